// "Why is it (not) running?" for people.
import { blockText } from '../../shared/blockText.js';
import type { Awaited, Explanation } from '../../shared/contract/explanation.js';
import { changeLabel } from '../../shared/contract/prospects.js';
import { paintStage } from './stage.js';
import { clockTime, oneLine, table, type Paint } from '../text.js';

/** Pools that lack something interest as far as they are near. */
const MAX_POOL_LINES = 3;
const MAX_POOL_NAMES = 3;
const MAX_AWAITED_LINES = 10;

export function describeExplanation(explanation: Explanation, paint: Paint, columns: number): string {
  const { summary, wouldPlace, pool, lane, position, factories, pools, assignment, sla } = explanation;
  const { waitsFor = [] } = explanation;
  const sections = [paint('bold', oneLine(summary))];
  if (wouldPlace !== undefined)
    sections.push(`${paint('green', `${changeLabel(explanation)}:`)} ${oneLine(wouldPlace)}`);
  const facts = [
    ...(pool === undefined ? [] : [`pool ${pool}`]),
    ...(lane === undefined ? [] : [`lane ${lane}`]),
    ...(position === undefined ? [] : [`position ${position}`]),
    ...(sla?.breached ? [paint('red', `late since ${clockTime(sla.dueAt)}`)] : []),
  ];
  if (facts.length > 0) sections.push(facts.join(' · '));
  if (waitsFor.length > 0) sections.push(awaitedTable(explanation.jobId, waitsFor, paint, columns));
  if (factories.length > 0)
    sections.push(
      table(
        [
          ['FACTORY', 'POOLS', 'FREE', 'VERDICT'].map((head) => paint('dim', head)),
          ...factories.map((factory) => [
            factory.factoryId,
            factory.pools.join(', ') || '–',
            String(factory.freeStations),
            verdict(factory),
          ]),
        ],
        columns,
      ),
    );
  const lacking = lackingPools(pools);
  if (lacking.length > 0)
    sections.push(
      table([['POOL', 'DOES NOT GUARANTEE'].map((head) => paint('dim', head)), ...lacking], columns),
    );
  if (assignment)
    sections.push(
      `Last decision, among ${assignment.candidates} ready: ${oneLine(assignment.why)}\n${paint('dim', scoreLine(assignment.score))}`,
    );
  return sections.join('\n\n');
}

function awaitedTable(jobId: string, waitsFor: readonly Awaited[], paint: Paint, columns: number): string {
  const more = waitsFor.length - MAX_AWAITED_LINES;
  const rows = [
    ['WAITS FOR', 'STAGE', 'UNTIL IT IS', 'NAME'].map((head) => paint('dim', head)),
    ...waitsFor
      .slice(0, MAX_AWAITED_LINES)
      .map(({ jobId: other, stage, until, key }) => [
        other,
        stage === undefined ? 'not there' : paintStage(paint, stage),
        until,
        key ?? '–',
      ]),
  ];
  return table(rows, columns) + (more > 0 ? `\nand ${more} more: aq dag ${jobId}` : '');
}

/** A line for the pools that lack the same, the nearest ones first. */
function lackingPools(pools: Explanation['pools']): string[][] {
  const byLack = new Map<string, string[]>();
  for (const { pool, missing } of pools.toSorted((one, other) => one.missing.length - other.missing.length)) {
    if (missing.length === 0) continue;
    const lack = missing.join(', ');
    byLack.set(lack, [...(byLack.get(lack) ?? []), pool]);
  }
  const rows = [...byLack];
  const folded = rows.splice(MAX_POOL_LINES);
  const lines = rows.map(([lack, names]) => [namesOf(names), lack]);
  if (folded.length === 0) return lines;
  const [first = '', ...others] = folded.map(([lack]) => lack);
  const common = first.split(', ').filter((one) => others.every((lack) => lack.split(', ').includes(one)));
  const names = folded.flatMap(([, all]) => all);
  return [
    ...lines,
    [`${names.length} more`, common.length === 0 ? 'some of these' : `${common.join(', ')} and more`],
  ];
}

const namesOf = (names: readonly string[]): string =>
  names.length <= MAX_POOL_NAMES
    ? names.join(', ')
    : `${names.slice(0, MAX_POOL_NAMES).join(', ')} and ${names.length - MAX_POOL_NAMES} more`;

function verdict({ blocks, score, freeStations }: Explanation['factories'][number]): string {
  if (blocks.length > 0) return oneLine(blocks.map((block) => blockText(block, clockTime)).join('; '));
  if (score) return `suits, score ${score.total.toFixed(2)}`;
  return freeStations > 0 ? 'suits' : 'suits, but is busy';
}

const scoreLine = ({ total, ...parts }: NonNullable<Explanation['assignment']>['score']): string =>
  `score ${total.toFixed(2)} = ${Object.entries(parts)
    .map(([part, value]) => `${part} ${value.toFixed(2)}`)
    .join(' + ')}`;
