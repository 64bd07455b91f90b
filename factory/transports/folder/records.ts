/**
 * The jobs of a folder queue on the disk: `.state/<jobId>/record.json` is the truth about one job (job, runs, events),
 * replaced in one step; the manifest lies in the folder of its stage, for people.
 */
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { HandOverOutcomeSchema, JobEventSchema } from '../../../shared/contract/event.js';
import { JobSchema, RunSchema, TimestampSchema, type Stage } from '../../../shared/contract/job.js';

const FOLDERS = ['inbox', 'building', 'review', 'testing', 'shipped', 'failed'] as const;
export type Folder = (typeof FOLDERS)[number];

const RecordSchema = z.strictObject({
  /** The manifest's file, without its folder. */
  file: z.string(),
  job: JobSchema,
  runs: z.array(RunSchema),
  events: z.array(JobEventSchema),
  /**
   * `asked`: the control plane may have it already, so nobody works on it here until it has answered. `done`: it is the
   * control plane's now. `refused`: it will never take this record, for the reason in `message`.
   */
  handOver: z
    .discriminatedUnion('state', [
      z.strictObject({ state: z.literal('asked'), at: TimestampSchema }),
      z.strictObject({ state: z.literal('done'), at: TimestampSchema, outcome: HandOverOutcomeSchema }),
      z.strictObject({ state: z.literal('refused'), at: TimestampSchema, message: z.string() }),
    ])
    .optional(),
});
export type FolderRecord = z.infer<typeof RecordSchema>;

/** Where people find a job in that stage. */
export function folderOf(stage: Stage): Folder {
  switch (stage) {
    case 'queued':
      return 'inbox';
    case 'assigned':
    case 'building':
      return 'building';
    case 'review':
    case 'testing':
    case 'shipped':
    case 'failed':
      return stage;
    case 'dead_letter':
      return 'failed';
  }
}

export class Records {
  readonly root: string;

  /** @param root absolute */
  constructor(root: string) {
    this.root = root;
  }

  /** Makes the folders and reads what is there; a record that cannot be read is an error, not a lost job. */
  async open(): Promise<FolderRecord[]> {
    const state = path.join(this.root, '.state');
    await Promise.all(
      [...FOLDERS, '.state'].map((name) => mkdir(path.join(this.root, name), { recursive: true })),
    );
    const ids = (await readdir(state)).filter((name) => name.startsWith('job-'));
    const records = await Promise.all(
      ids.map(async (jobId) => {
        const file = path.join(state, jobId, 'record.json');
        try {
          return [RecordSchema.parse(JSON.parse(await readFile(file, 'utf8')))];
        } catch (error) {
          if (await isUnwritten(path.join(state, jobId))) return [];
          throw new Error(
            `${file} cannot be read: mend it, or move ${jobId} out of .state to forget the job`,
            {
              cause: error,
            },
          );
        }
      }),
    );
    return records.flat();
  }

  /** The folder of a job's record, logs and artifacts. */
  pathOf(jobId: string): string {
    return path.join(this.root, '.state', jobId);
  }

  /** Writes the record, then puts the manifest where its stage is; a crash in between is mended by `place`. */
  async save(record: FolderRecord): Promise<void> {
    const folder = this.pathOf(record.job.jobId);
    await mkdir(folder, { recursive: true });
    await replaceFile(path.join(folder, 'record.json'), `${JSON.stringify(record, null, 1)}\n`);
    await this.place(record);
    await this.tellFailure(record);
  }

  /** Who finds a manifest in `failed/` reads beside it why, as long as it is there. */
  private async tellFailure({ file, job }: FolderRecord): Promise<void> {
    const note = path.join(this.root, 'failed', `${file}.failure.txt`);
    if (folderOf(job.stage) !== 'failed' || !job.failure) return rm(note, { force: true });
    await writeFile(note, `${job.failure.reason}: ${job.failure.message}\n`);
  }

  /** The folder in which the manifest lies; the one of its stage when it lies there too. */
  async find({ file, job }: FolderRecord): Promise<Folder | undefined> {
    const files = await this.files();
    return [folderOf(job.stage), ...FOLDERS].find((folder) => files.get(folder)?.includes(file));
  }

  /** Moves the manifest from wherever it lies into the folder of its stage. */
  async place({ file, job }: FolderRecord): Promise<void> {
    const wanted = folderOf(job.stage);
    for (const folder of FOLDERS.filter((one) => one !== wanted))
      await rename(path.join(this.root, folder, file), path.join(this.root, wanted, file)).catch(
        ignoreMissing,
      );
  }

  /** Names of manifests by folder. */
  async files(): Promise<Map<Folder, string[]>> {
    const lists = await Promise.all(
      FOLDERS.map(async (folder) => {
        // Folders, links and pipes are nobody's manifest: reading them fails, or never ends.
        const entries = await readdir(path.join(this.root, folder), { withFileTypes: true });
        const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
        return [folder, names.filter((name) => /^[^.].*\.(md|json)$/.test(name)).sort()] as const;
      }),
    );
    return new Map(lists);
  }
}

/** A crash before the first record: the manifest still lies in the inbox, and nothing else was written. */
const isUnwritten = async (folder: string): Promise<boolean> =>
  (await readdir(folder)).every((name) => name === 'record.json.new');

/** Never seen half. */
async function replaceFile(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  await writeFile(fresh, text);
  await rename(fresh, file);
}

const ignoreMissing = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOENT') throw error;
};
