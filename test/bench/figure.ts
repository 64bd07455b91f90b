/** One figure of a benchmark, as `npm run bench -- local --json` prints it, one a line. */
export interface Figure {
  /** Stable: figures of two versions are compared by it. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** `>= n` or `<= n` in the same unit; null where no goal is set. */
  readonly goal: `>= ${number}` | `<= ${number}` | null;
}

/** Whether the figure meets its goal; undefined without one. */
export function meetsGoal({ value, goal }: Figure): boolean | undefined {
  if (goal === null) return undefined;
  const bound = Number(goal.slice(3));
  return goal.startsWith('>=') ? value >= bound : value <= bound;
}
