// Hears from the factories themselves what they were given. The control plane's own records could not show a job that
// it gave to two of them under one epoch: the second record would have replaced the first.

export interface WitnessedClaim {
  readonly factory: string;
  readonly jobId: string;
  readonly epoch: number;
  /** When it was heard (ms since 1970). */
  readonly at: number;
}

export interface WitnessedEnd extends WitnessedClaim {
  /** `reported` its last report was taken · `refused` the lease was lost, or a report refused */
  readonly how: 'reported' | 'refused';
}

const CLAIMED = /(?:build|land) run claimed job=(\S+) epoch=(\d+)/;
const REPORTED = /run (?:verified|landed|failed|finished|released) job=(\S+) epoch=(\d+)/;
const REFUSED = /(?:lease lost, run stopped|the control plane refused a report) job=(\S+) epoch=(\d+)/;

export class ClaimWitness {
  readonly claims: WitnessedClaim[] = [];
  readonly ends: WitnessedEnd[] = [];

  /** Takes a line that a factory printed; others are ignored. */
  hear(factory: string, line: string): void {
    const read = (pattern: RegExp): WitnessedClaim | undefined => {
      const [, jobId, epoch] = pattern.exec(line) ?? [];
      return jobId === undefined ? undefined : { factory, jobId, epoch: Number(epoch), at: Date.now() };
    };
    const claim = read(CLAIMED);
    if (claim) this.claims.push(claim);
    const reported = read(REPORTED);
    if (reported) this.ends.push({ ...reported, how: 'reported' });
    const refused = read(REFUSED);
    if (refused) this.ends.push({ ...refused, how: 'refused' });
  }

  /** Claims of an epoch that was given out before: always none, or the promise is broken. */
  double(): WitnessedClaim[] {
    const seen = new Set<string>();
    return this.claims.filter(({ jobId, epoch }) => {
      const key = `${jobId}.${epoch}`;
      if (seen.has(key)) return true;
      seen.add(key);
      return false;
    });
  }
}
