// The sum of many runs, and how it is told.
import type { SeedResult } from './run.js';
import { FAULTS, type FaultKind } from './weather.js';

const VIOLATIONS_SHOWN = 20;

export class Totals {
  seeds = 0;
  hours = 0;
  operations = 0;
  jobs = 0;
  sharded = 0;
  rotations = 0;
  revocations = 0;
  readonly faults = new Map<FaultKind, number>();
  readonly coverage = new Map<string, Map<FaultKind | 'none', number>>();
  readonly violations: { seed: number; rule: string; message: string }[] = [];

  add(result: SeedResult): void {
    this.seeds += 1;
    this.hours += result.hours;
    this.operations += result.operations;
    this.jobs += result.jobs;
    this.sharded += result.met.sharded;
    this.rotations += result.met.rotations;
    this.revocations += result.met.revocations;
    addTo(this.faults, result.faults);
    for (const [name, faults] of result.coverage) {
      const sum = this.coverage.get(name) ?? new Map<FaultKind | 'none', number>();
      this.coverage.set(name, sum);
      addTo(sum, faults);
    }
    for (const { rule, message } of result.violations)
      this.violations.push({ seed: result.seed, rule, message });
  }

  /** One document for programs. */
  json(cpuSeconds: number): string {
    const { seeds, operations, violations } = this;
    return JSON.stringify({
      seeds,
      hours: Math.round(this.hours * 10) / 10,
      cpuSeconds: Math.round(cpuSeconds * 10) / 10,
      operations,
      faults: Object.fromEntries(FAULTS.map((kind) => [kind, this.faults.get(kind) ?? 0])),
      violations,
    });
  }

  /** For people. */
  text(cpuSeconds: number): string {
    const perMinute = (this.hours / cpuSeconds) * 60;
    return [
      `${this.seeds} seeds, ${this.jobs} jobs, ${this.operations.toLocaleString('en')} operations of the store`,
      `${this.hours.toFixed(1)} simulated hours in ${cpuSeconds.toFixed(1)} CPU seconds: ${perMinute.toFixed(0)} a minute`,
      `${this.sharded} tickets of hot lanes went to shards; ${this.rotations} tokens were replaced; ${this.revocations} factories were thrown out`,
      '',
      'Faults',
      ...FAULTS.map((kind) => `  ${kind.padEnd(20)}${String(this.faults.get(kind) ?? 0).padStart(8)}`),
      '',
      ...this.#matrix(),
      '',
      ...this.#verdict(),
    ].join('\n');
  }

  #matrix(): string[] {
    const kinds = FAULTS;
    const names = [...this.coverage.keys()].sort();
    const met = names.reduce(
      (sum, name) => sum + kinds.filter((kind) => this.coverage.get(name)?.has(kind)).length,
      0,
    );
    return [
      `Transitions of the lifecycle, each within half a minute of a fault (${met} of ${names.length * kinds.length} pairs)`,
      `  ${''.padEnd(24)}${'times'.padStart(8)}  kinds met`,
      ...names.map((name) => {
        const faults = this.coverage.get(name) ?? new Map<FaultKind | 'none', number>();
        const missing = kinds.filter((kind) => !faults.has(kind));
        const seen = `${kinds.length - missing.length}/${kinds.length}`;
        const most = Math.max(...faults.values());
        return `  ${name.padEnd(24)}${String(most).padStart(8)}  ${seen}${missing.length > 0 && missing.length < 6 ? `, not ${missing.join(', ')}` : ''}`;
      }),
    ];
  }

  #verdict(): string[] {
    if (this.violations.length === 0) return ['No violations.'];
    const shown = this.violations.slice(0, VIOLATIONS_SHOWN);
    return [
      `${this.violations.length} violations:`,
      ...shown.map(({ seed, rule, message }) => `  seed ${seed}: ${rule}: ${message.split('\n')[0]}`),
      `Replay one with \`npm run sim -- --seed ${shown[0]?.seed} --trace\`.`,
    ];
  }
}

function addTo<K>(sum: Map<K, number>, more: ReadonlyMap<K, number>): void {
  for (const [key, count] of more) sum.set(key, (sum.get(key) ?? 0) + count);
}
