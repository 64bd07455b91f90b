/** How well runs end on a factory, as one number from 0 (none) to 1 (all); part of the score. */
import type { RunReport } from '../contract/api.js';

/** How much the last run counts: after five runs an old failure counts a third. */
const LAST_RUN = 0.2;

/** Ends of a run that speak against the machine; what a job's own commands or a person caused does not. */
const MACHINE: ReadonlySet<string> = new Set(['timeout', 'engine_failed', 'lost', 'preflight']);

/** Did the run end well, as far as the factory is concerned? Undefined where it says nothing of it. */
export function outcomeOf(report: RunReport): boolean | undefined {
  if (report.kind === 'finished' || report.kind === 'landed' || report.kind === 'planned') return true;
  return report.kind === 'failed' && MACHINE.has(report.reason) ? false : undefined;
}

/** @param before left out: no run has failed so far */
export const healthAfter = (before: number | undefined, ok: boolean): number =>
  Math.round(((1 - LAST_RUN) * (before ?? 1) + (ok ? LAST_RUN : 0)) * 1000) / 1000;
