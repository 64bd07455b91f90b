// Runs the examples of docs/guides/scheduling.md.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PrioritySchema } from '../../shared/contract/manifest.js';
import { selectJobs } from '../../shared/rules/scheduler.js';
import { NOW, at, context, entry, factory } from '../shared/rules/fixtures.js';

const guide = readFileSync('docs/guides/scheduling.md', 'utf8');
const examples = [...guide.matchAll(/```schedule\n([\s\S]*?)```/g)].map(([, text = '']) => text.trim());

const LINE = /^(\d+) (\w+) waited (\d+)m( warm)?(?: product (\w+) had (\d+))?$/;

function read(line: string) {
  const [, n, priority, minutes, warm, productId = 'acme', had = '0'] = LINE.exec(line) ?? [];
  if (n === undefined) throw new Error(`not a waiting job: ${line}`);
  const submittedAt = at(-60 * Number(minutes));
  return {
    had: [productId, Number(had)] as const,
    entry: entry(Number(n), {
      priority: PrioritySchema.parse(priority),
      productId,
      submittedAt,
      readySince: submittedAt,
      ...(warm !== undefined && { repo: 'warm' }),
    }),
  };
}

describe('the guide to scheduling', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThan(4));

  it.each(examples)('is right about\n%s', (text) => {
    const lines = text.split('\n');
    const jobs = lines.slice(0, -1).map(read);
    const [chosen] = selectJobs({
      candidates: jobs.map((job) => job.entry),
      factory: factory({ warm: ['warm'] }),
      context: context({ shareByProduct: new Map(jobs.map(({ had }) => had)) }),
      now: NOW,
      seed: 's',
      count: 1,
    });
    expect(`-> ${Number(chosen?.entry.id.slice(4))}`).toBe(lines.at(-1));
  });
});
