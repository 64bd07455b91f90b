// How the commands of this folder speak to a person: calm lines, colour only on a terminal that wants it.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const colourful = process.stderr.isTTY === true && !process.env.NO_COLOR;

/** The text in that style, or as it is where colours are not wanted. */
export const paint = (style: Style, text: string): string => (colourful ? styleText(style, text) : text);

/** One line for a person; stdout is kept for results. */
export const say = (line = ''): void => {
  process.stderr.write(`${line}\n`);
};

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
