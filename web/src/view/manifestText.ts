/** The manifest as people write it. */
import type { Manifest } from '../../../shared/contract/manifest.js';
import { formatDuration } from './time.js';

/** Small, complete, and harmless wherever it is run. */
export const EXAMPLE_MANIFEST = `---
title: Say hello
engine: shell
timeout: 5m
verify: test -s hello.txt
---
echo "hello from $(uname -s)" > hello.txt
`;

/** Where a line (from 1) begins and ends in a text, to select it; the last line when there are fewer. */
export function lineRange(text: string, line: number): { start: number; end: number } {
  const lines = text.split('\n');
  const index = Math.min(Math.max(line, 1), lines.length) - 1;
  const start = lines.slice(0, index).reduce((sum, each) => sum + each.length + 1, 0);
  return { start, end: start + (lines[index] ?? '').length };
}

/** Fields that hold seconds. */
const DURATIONS = new Set(['timeout', 'backoff', 'wall']);

const valueText = (name: string, value: unknown): string =>
  DURATIONS.has(name) && typeof value === 'number'
    ? formatDuration(value * 1000)
        .replace(/\.0 s$/, ' s')
        .replace(/ 00 (s|min)$/, '')
    : String(value);

/** What the manifest says beside its prompt, without what is empty: for reading. */
export function manifestFacts(manifest: Manifest): [name: string, value: string][] {
  const { body: _, title: __, ...rest } = manifest;
  return Object.entries(rest).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || value === false) return [];
    if (Array.isArray(value)) return value.length > 0 ? [[name, value.join(', ')]] : [];
    if (typeof value === 'object') {
      const parts = Object.entries(value).filter(([, part]) => part !== undefined);
      return parts.length > 0
        ? [[name, parts.map(([key, part]) => `${key} ${valueText(key, part)}`).join(' · ')]]
        : [];
    }
    return [[name, valueText(name, value)]];
  });
}
