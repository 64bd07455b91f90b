/** Credentials of this machine, by their presence alone: nobody reads or tries them. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { homeOf } from '../processes/environment.js';

export interface Credential {
  /** One of these environment variables is set … */
  readonly variables: readonly string[];
  /** … or one of these files is there, below the home folder. */
  readonly files: readonly string[];
}

/** The variable that is set or the file that is there; undefined when there is neither. */
export async function presenceOf(
  { variables, files }: Credential,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const variable = variables.find((name) => env[name]);
  if (variable !== undefined) return variable;
  const home = homeOf(env);
  const there = await Promise.all(
    files.map((file) =>
      access(path.join(home, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  const at = there.indexOf(true);
  return at < 0 ? undefined : `~/${files[at]}`;
}

/** What is looked for, for people. */
export const wanted = ({ variables, files }: Credential): string =>
  [...variables, ...files.map((file) => `~/${file}`)].join(', ');
