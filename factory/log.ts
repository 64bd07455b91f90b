/** What the factory says of itself: one calm line an event on standard error, for people or as JSON. */

export type LogFacts = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
}

type Level = keyof Logger;

const render = (value: LogFacts[string]): string =>
  typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value);

function asText(level: Level, message: string, facts: LogFacts): string {
  const pairs = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${render(value)}`);
  const time = new Date().toISOString().slice(11, 23);
  return `${time} ${level === 'info' ? '' : `${level}: `}${message}${pairs.join('')}\n`;
}

/**
 * @param json one JSON document a line instead of text
 * @param clean takes secrets out of a finished line
 */
export function createLogger(
  write: (line: string) => void,
  { json = false, clean = (line: string) => line }: { json?: boolean; clean?: (line: string) => string } = {},
): Logger {
  const at =
    (level: Level) =>
    (message: string, facts: LogFacts = {}): void => {
      const line = json
        ? `${JSON.stringify({ time: new Date().toISOString(), level, message, ...facts })}\n`
        : asText(level, message, facts);
      write(clean(line));
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** The words of whatever was thrown. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
