// What the proofs ask of the API about jobs, and what follows from the answers.

export interface RunRecord {
  readonly epoch: number;
  readonly factoryId: string;
  readonly kind: string;
  readonly status: string;
  readonly startedAt: string;
  readonly endedAt?: string;
}

export interface EventRecord {
  readonly seq: number;
  readonly at: string;
  readonly stage: string;
  readonly from?: string;
  readonly body: { readonly kind: string; readonly epoch?: number; readonly message?: string };
}

export interface JobRecord {
  readonly job: {
    readonly jobId: string;
    readonly title: string;
    readonly stage: string;
    readonly epoch: number;
    readonly holder?: string;
    readonly failure?: { readonly reason: string; readonly message: string };
    readonly mergeCommit?: string;
  };
  readonly runs: readonly RunRecord[];
  readonly events: readonly EventRecord[];
}

/** A running system, as far as it is asked here. */
interface Asked {
  api(method: string, route: string): Promise<unknown>;
}

export const readRecord = async (system: Asked, jobId: string): Promise<JobRecord> =>
  (await system.api('GET', `jobs/${jobId}`)) as JobRecord;

/** Pairs of runs of one job that were both live at some moment, by the control plane's clock. */
export function overlaps({ runs }: JobRecord): [RunRecord, RunRecord][] {
  return runs.flatMap((one, at) =>
    runs
      .slice(at + 1)
      .filter((other) => one.endedAt === undefined || other.startedAt < one.endedAt)
      .map((other): [RunRecord, RunRecord] => [one, other]),
  );
}

/** The most runs that were live at one moment, over all jobs, each on a factory of its own. */
export function mostAtOnce(records: readonly JobRecord[]): number {
  const runs = records.flatMap((record) => record.runs);
  return Math.max(
    0,
    ...runs.map((run) => {
      const live = runs.filter(
        (other) => other.startedAt <= run.startedAt && (other.endedAt ?? '9') > run.startedAt,
      );
      return new Set(live.map(({ factoryId }) => factoryId)).size;
    }),
  );
}
