import { createHash } from 'node:crypto';
import type { Artifact } from '../../shared/contract/job.js';
import type { RouteInput } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import { requireOwnRun } from './appendLog.js';
import { requireFactory, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import type { JobRef } from './jobStore.js';

/** Blob container of the artifacts. */
export const ARTIFACTS = 'artifacts';

/** A run of a later epoch keeps its own files, so a late writer spoils nothing. */
export const artifactName = (ref: JobRef, epoch: number, path: string): string =>
  `${ref.productId}/${ref.jobId}/${epoch}/${path}`;

/**
 * Keeps a file of a run. The same file again replaces itself.
 * @throws AppError stale-epoch, not-found, invalid-request when the content does not have the checksum
 */
export async function putArtifact(
  deps: Deps,
  caller: Caller,
  { params, query, body }: RouteInput<'putArtifact'>,
): Promise<Artifact> {
  const factory = requireFactory(caller);
  const { jobId, epoch } = params;
  const ref = await requireOwnRun(deps, factory.id, jobId, epoch);
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (sha256 !== query.sha256)
    throw new AppError(
      'invalid-request',
      `${query.path} arrived with another checksum than it was sent with`,
    );
  await deps.blobs.put(ARTIFACTS, artifactName(ref, epoch, query.path), body, 'application/octet-stream');
  return { path: query.path, bytes: body.length, sha256 };
}
