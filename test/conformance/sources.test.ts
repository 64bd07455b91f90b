import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const CASE = /^ {2}it(?:\.each\(.*\))?\(/;
const SOURCE = /^ {2}\/\/ https:\/\/\S+$/;

it('every conformance case names the page that documents what it pins', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const without: string[] = [];
  let cases = 0;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts') || file === 'sources.test.ts') continue;
    const lines = readFileSync(folder + file, 'utf8').split('\n');
    for (const [at, line] of lines.entries()) {
      if (!CASE.test(line)) continue;
      cases++;
      if (!SOURCE.test(lines[at - 1] ?? '')) without.push(`${file}:${at + 1} ${line.trim()}`);
    }
  }
  expect(without).toEqual([]);
  expect(cases).toBeGreaterThan(90);
});
