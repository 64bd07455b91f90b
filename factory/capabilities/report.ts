/** What probing found, for people and for programs. */
import { PRICES_VERSION } from '../engines/prices.js';
import type { Capabilities, Finding } from './probe.js';

const HEADINGS: Record<Finding['kind'], string> = {
  system: 'System',
  engine: 'Engines',
  tool: 'Tools',
  credential: 'Credentials (by presence only)',
  config: 'Configuration',
};

/** Each thing that was looked for, what it brings or why it brings nothing, and the sum of it. */
export function probeAsText({ findings, advertises }: Capabilities): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const sections = Object.entries(HEADINGS).flatMap(([kind, heading]) => {
    const rows = findings.filter((finding) => finding.kind === kind);
    return rows.length === 0 ? [] : [`${heading}\n${rows.map((row) => line(row, width)).join('\n')}`];
  });
  return `${sections.join('\n\n')}\n\nWould be advertised\n  ${advertises.join(' ')}\n`;
}

const line = ({ name, tags, why }: Finding, width: number): string =>
  `  ${tags.length > 0 ? '+' : '-'} ${name.padEnd(width)}  ${tags.length > 0 ? `${tags.join(' ')}  ` : ''}(${why})`;

/** The same as one JSON document. */
export const probeAsJson = ({ findings, advertises }: Capabilities): string =>
  JSON.stringify({ advertises, findings, pricesVersion: PRICES_VERSION });
