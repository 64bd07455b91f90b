// A job as people name it: its id, or the beginning of it.
import type { Client } from '../shared/client.js';
import { AppError } from '../shared/errors.js';
import { oneLine } from './text.js';

const FULL_ID = /^job-[0-9a-z]{16}$/;
const PREFIX = /^(?:job-)?([0-9a-z]{0,16})$/;
/** As many as the API gives at once: a shortened id means a recent job. */
const SEARCHED_JOBS = 500;
const SHOWN_MATCHES = 5;

/**
 * @param ref a job id, or a prefix of one with or without `job-`
 * @throws AppError not-found, or invalid-request when several jobs begin like that
 */
export async function jobIdFrom(client: Client, ref: string): Promise<string> {
  if (FULL_ID.test(ref)) return ref;
  const start = PREFIX.exec(ref)?.[1];
  if (!start)
    throw new AppError('invalid-request', `“${oneLine(ref)}” is not a job id, nor the beginning of one.`);
  const { jobs } = await client.listJobs({ query: { limit: SEARCHED_JOBS } });
  const matches = jobs.filter(({ jobId }) => jobId.startsWith(`job-${start}`));
  const [match] = matches;
  if (!match)
    throw new AppError('not-found', `No job begins with job-${start}; \`aq list\` shows what there is.`);
  if (matches.length === 1) return match.jobId;
  const shown = matches.slice(0, SHOWN_MATCHES).map(({ jobId, title }) => `\n  ${jobId}  ${oneLine(title)}`);
  throw new AppError(
    'invalid-request',
    `${matches.length} jobs begin with job-${start}; write more of the id:${shown.join('')}`,
  );
}
