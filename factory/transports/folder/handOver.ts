/**
 * Tells the control plane what was done in a folder while it was away: each job with its runs, events, logs and files.
 * Every step may be repeated, so whatever dies in between, the next hand-over finishes it and nothing counts twice.
 */
import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Run } from '../../../shared/contract/job.js';
import { AppError, type ErrorCode } from '../../../shared/errors.js';
import type { Fleet } from '../../coordinator.js';
import type { Logger } from '../../log.js';
import { keyOf } from './intake.js';
import type { FolderQueue } from './queue.js';
import type { FolderRecord } from './records.js';

/** A part of what the route takes at once. */
const LOG_CHUNK_BYTES = 512 * 1024;

/** The record itself is what the control plane does not take: asking again changes nothing. */
const FINAL: readonly ErrorCode[] = ['invalid-request', 'idempotency-conflict', 'too-large'];

export interface HandOverSpec {
  readonly queue: FolderQueue;
  readonly fleet: Pick<Fleet, 'handOverJob' | 'appendLog' | 'putArtifact'>;
  /** The folder, absolute. */
  readonly root: string;
  readonly productId: string;
  readonly logger: Logger;
}

/**
 * Hands over every job that nobody works on.
 * @returns how many the control plane answered for
 * @throws AppError when it does not answer, or refuses the factory itself; what is left waits for the next time
 */
export async function handOverFolder(spec: HandOverSpec): Promise<number> {
  let answered = 0;
  await spec.queue.handOver(async (record, folder) => {
    const answer = await handOver(spec, record, folder);
    answered += 1;
    return answer;
  });
  return answered;
}

async function handOver(
  { fleet, root, productId, logger }: HandOverSpec,
  record: FolderRecord,
  folder: string,
): Promise<NonNullable<FolderRecord['handOver']>> {
  const { job, runs, events, file } = record;
  const at = new Date().toISOString();
  const key = keyOf(file);
  try {
    const { outcome } = await fleet.handOverJob({ params: { productId }, body: { key, job, runs, events } });
    // What does not count has no place for its logs there; they stay in the folder.
    if (outcome !== 'kept') for (const run of runs) await handOverFiles(fleet, run, folder);
    logger.info('handed over', { job: job.jobId, outcome, stage: job.stage });
    return { state: 'done', at, outcome };
  } catch (error) {
    if (!(error instanceof AppError) || !FINAL.includes(error.code)) throw error;
    const { message } = error;
    logger.warn('the control plane does not take a job of the folder', { job: job.jobId, why: message });
    await writeFile(
      path.join(root, 'failed', `${file}.problems.txt`),
      `the control plane refused to take ${job.jobId} over: ${message}\nIts record is in ${folder}. File it again under another name to run it there.\n`,
    );
    return { state: 'refused', at, message };
  }
}

async function handOverFiles(
  fleet: HandOverSpec['fleet'],
  { jobId, epoch, artifacts = [] }: Run,
  folder: string,
): Promise<void> {
  const params = { jobId, epoch };
  await handOverLog(fleet, params, path.join(folder, `${epoch}.log`));
  for (const { path: name, sha256 } of artifacts) {
    const body = await readFile(path.join(folder, 'artifacts', String(epoch), ...name.split('/'))).catch(
      missing,
    );
    // Changed since, or gone: the checksum in the record is what happened.
    if (!body || createHash('sha256').update(body).digest('hex') !== sha256) continue;
    await fleet.putArtifact({ params, query: { path: name, sha256 }, body });
  }
}

/** Goes on where an earlier hand-over was cut off. */
async function handOverLog(
  fleet: HandOverSpec['fleet'],
  params: { jobId: string; epoch: number },
  file: string,
): Promise<void> {
  const handle = await open(file).catch(missing);
  if (!handle) return;
  try {
    const { size } = await handle.stat();
    const piece = Buffer.alloc(LOG_CHUNK_BYTES);
    for (let offset = 0, ended = false; !ended;) {
      const { bytesRead } = await handle.read(piece, 0, piece.length, offset);
      const end = offset + bytesRead >= size;
      const { nextOffset } = await fleet.appendLog({
        params,
        query: { offset, end },
        body: piece.subarray(0, bytesRead),
      });
      // Elsewhere than asked for: it had a part already.
      ended = end && nextOffset === offset + bytesRead;
      if (nextOffset > size) return;
      offset = nextOffset;
    }
  } finally {
    await handle.close();
  }
}

const missing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined;
  throw error;
};
