/** First pause (ms). */
const BASE_MS = 500;
/** Longest pause (ms): a fleet that lost its bus asks the control plane four times a minute a factory. */
const CAP_MS = 15_000;

/** Pauses that double, with half of each left to chance so that a herd spreads out. */
export class Backoff {
  private readonly random: () => number;
  private tries = 0;

  constructor(random: () => number = Math.random) {
    this.random = random;
  }

  /** The next pause in ms. */
  next(): number {
    const pause = Math.min(CAP_MS, BASE_MS * 2 ** this.tries);
    this.tries += 1;
    return pause * (0.5 + this.random() / 2);
  }

  reset(): void {
    this.tries = 0;
  }
}
