/** Which jobs the list shows. The filter lives in the address, so that a view can be sent to somebody. */
import type { JobSummary } from '../../../shared/contract/api.js';
import type { Stage } from '../../../shared/contract/job.js';
import { STAGES } from './stages.js';

export interface JobFilter {
  readonly stage?: Stage;
  readonly product?: string;
  /** Words that must all occur. */
  readonly text: string;
}

const isStage = (value: string | null): value is Stage => STAGES.some((stage) => stage === value);

/** Reads `?stage=…&product=…&q=…`; what it does not know it leaves out. */
export function readFilter(search: string): JobFilter {
  const params = new URLSearchParams(search);
  const stage = params.get('stage');
  const product = params.get('product');
  return { ...(isStage(stage) && { stage }), ...(product && { product }), text: params.get('q') ?? '' };
}

/** The inverse of readFilter: empty, or with its question mark. */
export function writeFilter(filter: JobFilter): string {
  const params = new URLSearchParams();
  if (filter.stage) params.set('stage', filter.stage);
  if (filter.product) params.set('product', filter.product);
  if (filter.text) params.set('q', filter.text);
  const search = params.toString();
  return search && `?${search}`;
}

function searchable(job: JobSummary): string {
  const item = job.trackerItem && `${job.trackerItem.repository}#${job.trackerItem.number}`;
  return [job.title, job.jobId, job.engine, job.holder, job.productId, job.manifest.priority, job.lane, item]
    .join(' ')
    .toLowerCase();
}

/** Whether a job has every word of the filter somewhere in what the list shows of it. */
export function matchesText(job: JobSummary, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = searchable(job);
  return words.every((word) => haystack.includes(word));
}

/** Product and text, without the stage: what the counts per stage count. */
export function inScope(jobs: readonly JobSummary[], filter: JobFilter): JobSummary[] {
  return jobs.filter(
    (job) => (!filter.product || job.productId === filter.product) && matchesText(job, filter.text),
  );
}
