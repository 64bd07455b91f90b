/** Files that a run keeps: found by the job's patterns, looked through for credentials, sent with their checksums. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ArtifactPathSchema, MAX_ARTIFACTS } from '../../shared/contract/job.js';
import type { Artifact } from '../../shared/contract/job.js';
import { MAX_ARTIFACT_BYTES } from '../../shared/contract/routes.js';
import { AppError } from '../../shared/errors.js';
import { describeFindings, secretsInText } from '../gates/secrets.js';
import { reasonOf } from '../log.js';
import { pause } from '../pause.js';
import { filesMatching } from '../workspace/files.js';
import { isRefusal } from './lease.js';
import type { RunContext } from './context.js';

/** A blink of the network must not lose a file … */
const ATTEMPTS = 4;
const RETRY_MS = 300;

/**
 * Keeps what matches the job's patterns. A file that is too large, holds a credential or does not get through is left
 * out, and the log says why: the run does not fail for it.
 * @throws AppError stale-epoch: the lease is gone
 */
export async function keepArtifacts(context: RunContext, worktree: string): Promise<Artifact[]> {
  const { artifacts: patterns } = context.claim.job.manifest;
  const kept: Artifact[] = [];
  const files = await filesMatching(worktree, patterns);
  for (const file of files.slice(0, MAX_ARTIFACTS)) {
    context.signal.throwIfAborted();
    const obstacle = await keep(context, worktree, file, kept);
    if (obstacle !== undefined) context.log.note(`artifact ${file} is not kept: ${obstacle}`);
  }
  if (files.length > MAX_ARTIFACTS)
    context.log.note(`artifacts: ${files.length} files match, the first ${MAX_ARTIFACTS} are kept`);
  else if (patterns.length > 0) context.log.note(`artifacts: ${kept.length} kept`);
  return kept;
}

/** @returns why the file is left out */
async function keep(
  context: RunContext,
  worktree: string,
  file: string,
  kept: Artifact[],
): Promise<string | undefined> {
  const named = ArtifactPathSchema.safeParse(file);
  if (!named.success) return 'its name is not one that every system takes';
  const { size } = await stat(path.join(worktree, file));
  if (size > MAX_ARTIFACT_BYTES) return `it has ${size} bytes, and ${MAX_ARTIFACT_BYTES} are taken`;
  const body = await readFile(path.join(worktree, file));
  const secrets = await secretsInText(file, `${file}\n${body.toString('latin1')}`);
  if (secrets.length > 0) {
    context.redactor.know(...secrets.map(({ value }) => value));
    return `it holds ${describeFindings(secrets.map((one) => ({ ...one, line: Math.max(1, one.line - 1) })))}`;
  }
  const sha256 = createHash('sha256').update(body).digest('hex');
  const { jobId } = context.claim.job;
  const { epoch } = context.claim.run;
  for (let attempt = 1; ; attempt += 1) {
    try {
      kept.push(
        await context.coordinator.putArtifact({
          params: { jobId, epoch },
          query: { path: file, sha256 },
          body,
        }),
      );
      return undefined;
    } catch (error) {
      if (isRefusal(error)) throw error;
      const passing =
        error instanceof AppError && (error.code === 'unavailable' || error.code === 'internal');
      if (!passing || attempt === ATTEMPTS) return reasonOf(error);
      await pause(RETRY_MS * 2 ** attempt, context.signal);
    }
  }
}
