/** Runs tasks one after the other, in the order in which they came; a task that fails does not stop the next. */
export class Mutex {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => {});
    return result;
  }

  /** Resolves when every task that came before has ended. */
  idle(): Promise<void> {
    return this.run(() => Promise.resolve());
  }
}
