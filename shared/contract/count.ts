/** How many of something, in words: `1 problem`, `2 factories`. The one way to say it, wherever a person reads it. */
export const count = (number: number, noun: string, plural = `${noun}s`): string =>
  `${number} ${number === 1 ? noun : plural}`;
