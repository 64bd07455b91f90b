// The tracker's memory: one JSON file, replaced as a whole, so that it is always one of its states.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { nothingTracked, type Tracked } from './issues.js';
import type { Delivery } from './webhooks.js';

export interface TrackerState {
  version: 1;
  tracked: Tracked;
  deliveries: Delivery[];
}

export interface StateFile {
  state: TrackerState;
  /** Resolves when the state of this moment is on disk; callers at the same time share one write. */
  save: () => Promise<void>;
}

/**
 * Reads the state of an earlier start, or begins with none.
 * @param file absent: the state ends with the process
 * @throws Error naming the file when it is not of this tracker
 */
export async function openState(file: string | undefined): Promise<StateFile> {
  const empty = (): TrackerState => ({ version: 1, tracked: nothingTracked(), deliveries: [] });
  if (file === undefined) return { state: empty(), save: () => Promise.resolve() };
  await mkdir(path.dirname(file), { recursive: true });
  const state = (await read(file)) ?? empty();

  let writing: Promise<void> = Promise.resolve();
  let queued: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    queued = undefined;
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(state));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
  };
  return {
    state,
    save() {
      queued ??= writing = writing.then(write, write);
      return queued;
    },
  };
}

async function read(file: string): Promise<TrackerState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const state = JSON.parse(text) as TrackerState;
    if (state.version === 1 && Array.isArray(state.tracked.issues)) return state;
  } catch {
    // the same cure as for a file of another kind
  }
  throw new Error(`${file} does not hold a tracker's items: delete it, and the tracker starts empty.`);
}
