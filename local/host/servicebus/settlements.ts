// Settling messages one outcome at a time: the client writes neighbouring dispositions of one tick as a single one,
// with the first one's outcome, so a complete beside an abandon would complete both.

type Outcome = 'complete' | 'abandon';

export class Settlements {
  #outcome: Outcome = 'complete';
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Runs `settle` in this tick when its outcome is the one in use, else in a tick of its own. */
  async run(outcome: Outcome, settle: () => Promise<void>): Promise<void> {
    if (outcome === this.#outcome && this.#waiting === 0) return settle();
    this.#waiting++;
    const turn = this.#turn.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    this.#turn = turn;
    await turn;
    this.#waiting--;
    this.#outcome = outcome;
    return settle();
  }
}
