// How the commands of this folder speak to a person: calm lines, colour only on a terminal that wants it.
import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Where people read: standard error as long as standard output holds a result for programs. */
let voice: NodeJS.WriteStream = process.stderr;

/** For a command whose lines are its result: they go to standard output, so that `npm start > log` keeps them. */
export function speakOnStdout(): void {
  voice = process.stdout;
  // A reader that has seen enough is no reason to end a running system.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** The text in that style, or as it is where colours are not wanted. */
export const paint = (style: Style, text: string): string =>
  voice.isTTY === true && !process.env.NO_COLOR ? styleText(style, text) : text;

/** One line for a person. */
export const say = (line = ''): void => {
  voice.write(`${line}\n`);
};

/** Control characters, and those that turn the direction of text: a title may not move the cursor or hide what stands there. */
// oxlint-disable-next-line no-control-regex -- these are the ones that are looked for
const UNPRINTABLE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text from outside (a title, a log line) for one line of the terminal: colours are dropped, the rest is shown as \uXXXX. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Prints steps with the seconds since it was made. */
export function stopwatch(): (step: string) => void {
  const start = Date.now();
  return (step) =>
    say(`  ${paint('green', '✓')} ${step} ${paint('gray', `${((Date.now() - start) / 1000).toFixed(1)} s`)}`);
}

/** Aborts when a person (Ctrl-C) or a supervisor asks the process to end. A second time ends it at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  return controller.signal;
}

/** Resolves once the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
