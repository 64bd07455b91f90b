/**
 * The shadow: what the control plane would have given while a factory works its folder. It is only asked, never told,
 * so comparing changes nothing on either side.
 */
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Coordinator } from '../coordinator.js';
import { reasonOf, type Logger } from '../log.js';

/** AGREE: both would take the same job, or both nothing · DIVERGE: another one · …_EMPTY: only the other side has one. */
export type Verdict = 'AGREE' | 'DIVERGE' | 'COORD_EMPTY' | 'LOCAL_EMPTY';

/** @param local the job that the folder gives, `coord` the one that the control plane would give */
export function verdictOf(local: string | undefined, coord: string | undefined): Verdict {
  if (local === coord) return 'AGREE';
  if (coord === undefined) return 'COORD_EMPTY';
  return local === undefined ? 'LOCAL_EMPTY' : 'DIVERGE';
}

export interface ShadowSpec {
  readonly coordinator: Pick<Coordinator, 'claimJobs'>;
  readonly pools: readonly string[];
  readonly stations: number;
  /** The folder's next job; looking takes nothing. */
  readonly next: () => Promise<string | undefined>;
  /** One JSON line a comparison. */
  readonly file: string;
  readonly logger: Logger;
}

export class Shadow {
  private readonly spec: ShadowSpec;
  private readonly counts: Record<Verdict, number> = { AGREE: 0, DIVERGE: 0, COORD_EMPTY: 0, LOCAL_EMPTY: 0 };
  private last = '';

  constructor(spec: ShadowSpec) {
    this.spec = spec;
  }

  get report(): Readonly<Record<Verdict, number>> {
    return { ...this.counts };
  }

  /** Compares once; the same pair again is not told again. A control plane that is away is no verdict. Never throws. */
  async compare(): Promise<Verdict | undefined> {
    const { logger, file } = this.spec;
    try {
      const [local, coord] = await Promise.all([this.spec.next(), this.coordinatorsNext()]);
      const pair = `${local} ${coord}`;
      if (pair === this.last) return undefined;
      this.last = pair;
      const verdict = verdictOf(local, coord);
      this.counts[verdict] += 1;
      const line = { at: new Date().toISOString(), verdict, local: local ?? null, coord: coord ?? null };
      await mkdir(path.dirname(file), { recursive: true });
      await appendFile(file, `${JSON.stringify(line)}\n`);
      if (verdict !== 'AGREE') logger.warn('shadow', { verdict, local, coord });
      return verdict;
    } catch (error) {
      logger.warn('shadow: the control plane cannot be asked', { why: reasonOf(error) });
      return undefined;
    }
  }

  private async coordinatorsNext(): Promise<string | undefined> {
    for (const pool of this.spec.pools) {
      const body = { pool, stations: this.spec.stations, running: 0, warm: [], dryRun: true };
      const { would = [] } = await this.spec.coordinator.claimJobs({ body });
      if (would[0] !== undefined) return would[0];
    }
    return undefined;
  }
}
