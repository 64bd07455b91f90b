// Hears from the factories themselves what they were given. The control plane's own records could not show a job that
// it gave to two of them under one epoch: the second record would have replaced the first.

export interface WitnessedClaim {
  readonly factory: string;
  readonly jobId: string;
  readonly epoch: number;
}

const CLAIMED = /(?:build|land) run claimed job=(\S+) epoch=(\d+)/;

export class ClaimWitness {
  readonly claims: WitnessedClaim[] = [];

  /** Takes a line that a factory printed; others are ignored. */
  hear(factory: string, line: string): void {
    const [, jobId, epoch] = CLAIMED.exec(line) ?? [];
    if (jobId !== undefined) this.claims.push({ factory, jobId, epoch: Number(epoch) });
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
