import type { RouteInput, RouteResult } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import type { Caller } from './caller.js';
import type { Deps } from './deps.js';
import { jobFor, readRun } from './jobStore.js';
import { ARTIFACTS, artifactName } from './putArtifact.js';

/** Bytes of a file in one answer. */
const PIECE_BYTES = 4 * 1024 * 1024;

/**
 * A piece of a file that a run kept. Only what a report of the run named is there.
 * @throws AppError not-found
 */
export async function getArtifact(
  deps: Deps,
  caller: Caller,
  { params, query }: RouteInput<'getArtifact'>,
): Promise<RouteResult<'getArtifact'>> {
  const { jobId, epoch } = params;
  const job = await jobFor(deps, caller, jobId, 'viewer');
  const artifact = (await readRun(deps, job, epoch))?.artifacts?.find(({ path }) => path === query.path);
  if (artifact === undefined)
    throw new AppError('not-found', `run ${epoch} of ${jobId} kept no file ${query.path}`, { jobId, epoch });
  const { offset } = query;
  const length = Math.max(0, Math.min(PIECE_BYTES, artifact.bytes - offset));
  const piece = await deps.blobs.read(ARTIFACTS, artifactName(job, epoch, artifact.path), offset, length);
  const end = offset + piece.length;
  return {
    ...artifact,
    base64: Buffer.from(piece).toString('base64'),
    ...(end < artifact.bytes && piece.length > 0 ? { nextOffset: end } : {}),
  };
}
