// A log file that a full disk cannot bring us down with.
import { createWriteStream, type WriteStream } from 'node:fs';

/** After a line could not be written, so long (ms) none is tried. */
const PAUSE_MS = 30_000;

/**
 * Appends lines to a file, each with the time before it, from the first one on.
 * @param onTrouble told once when a line cannot be written; until the file can be written again, lines are dropped
 */
export function openLogFile(
  file: string,
  onTrouble: (message: string) => void,
  pauseMs = PAUSE_MS,
): (line: string) => void {
  let stream: WriteStream | undefined;
  let pausedUntilMs = 0;
  let told = false;
  return (line) => {
    if (Date.now() < pausedUntilMs) return;
    if (!stream) {
      const opened = createWriteStream(file, { flags: 'a' });
      opened.on('error', (error) => {
        if (stream === opened) stream = undefined;
        pausedUntilMs = Date.now() + pauseMs;
        if (!told)
          onTrouble(`${file} cannot be written (${error.message}): what the parts print is not kept`);
        told = true;
      });
      stream = opened;
    }
    stream.write(`${new Date().toISOString()} ${line}\n`);
  };
}
