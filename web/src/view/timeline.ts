/** A job's story from its events alone: what happened when, by whom, and how long each part took. */
import type { Assignment } from '../../../shared/contract/explanation.js';
import type { Stage } from '../../../shared/contract/job.js';
import type { JobEventView } from '../../../shared/contract/view.js';
import { actorName, eventText, type EventText } from '../../../shared/eventText.js';
import { isEnded } from './stages.js';
import { formatClock } from './time.js';

export interface TimelineEntry extends EventText {
  readonly seq: number;
  readonly at: string;
  /** Absent where the group names it already. */
  readonly actor?: string;
  /** The stage that began here. */
  readonly entered?: Stage;
  /** How long that stage lasted; counts on while it is the current one. */
  readonly stayedMs?: number;
  readonly sincePreviousMs: number;
  /** Why this factory; on assignments. */
  readonly decision?: Assignment;
}

export interface TimelineGroup {
  readonly key: string;
  readonly title: string;
  /** Names the run whose log belongs to the group. */
  readonly epoch?: number;
  readonly factoryId?: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly entries: readonly TimelineEntry[];
}

const ms = (event: JobEventView): number => Date.parse(event.at);

/** Time in each stage, in the order in which the job went through them. The last one counts on until `now`. */
export function stageSpans(
  events: readonly JobEventView[],
  now: number,
): { stage: Stage; seq: number; from: string; durationMs: number; current: boolean }[] {
  const entries = events.filter((event, index) => index === 0 || (event.from && event.from !== event.stage));
  return entries.map((event, index) => {
    const next = entries[index + 1];
    const until = next ? ms(next) : isEnded(event.stage) ? ms(event) : now;
    return {
      stage: event.stage,
      seq: event.seq,
      from: event.at,
      durationMs: Math.max(0, until - ms(event)),
      current: next === undefined,
    };
  });
}

/** Total time in each stage, over all attempts. */
export function timeInStages(events: readonly JobEventView[], now: number): ReadonlyMap<Stage, number> {
  const totals = new Map<Stage, number>();
  for (const span of stageSpans(events, now))
    totals.set(span.stage, (totals.get(span.stage) ?? 0) + span.durationMs);
  return totals;
}

/** A run begins with its assignment; what a person does starts a part of its own. */
function startsGroup(event: JobEventView): boolean {
  return (
    event.body.kind === 'job.assigned' ||
    event.body.kind === 'ship.requested' ||
    event.body.kind === 'job.requeued' ||
    event.body.kind === 'job.cancelled'
  );
}

/** Splits the events at the beginnings of groups; a merge stays with the request that caused it. */
function split(events: readonly JobEventView[]): JobEventView[][] {
  const groups: JobEventView[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    const landing =
      event.body.kind === 'job.assigned' &&
      event.body.run === 'land' &&
      last?.[0]?.body.kind === 'ship.requested';
    if (!last || (startsGroup(event) && !landing)) groups.push([event]);
    else last.push(event);
  }
  return groups;
}

/** Nothing but the run itself can follow: it is still going on. */
const isUnderWay = ({ body }: JobEventView): boolean =>
  body.kind === 'job.assigned' || body.kind === 'run.started';

function titleOf(first: JobEventView, attempt: number): string {
  if (first.body.kind === 'job.assigned')
    return first.body.run === 'land' ? 'Merge' : attempt === 1 ? 'Run' : `Run ${attempt}`;
  if (first.body.kind === 'ship.requested') return 'Ship';
  if (first.body.kind === 'job.requeued') return 'Requeue';
  if (first.body.kind === 'job.cancelled') return 'Cancel';
  return 'Submit';
}

/**
 * Groups events into parts (submit, each run, ship), oldest first.
 * @param events in the order of their sequence
 * @param now milliseconds; the current stage lasts until then
 */
export function timeline(events: readonly JobEventView[], now: number): TimelineGroup[] {
  const spans = new Map(stageSpans(events, now).map((span) => [span.seq, span]));
  const previousOf = new Map(events.map((event, index) => [event.seq, events[index - 1]]));
  let attempts = 0;
  return split(events).flatMap((part) => {
    const first = part[0];
    const last = part.at(-1);
    if (!first || !last) return [];
    const assigned = part.map((event) => event.body).find((body) => body.kind === 'job.assigned');
    if (first.body.kind === 'job.assigned' && first.body.run === 'build') attempts += 1;
    const entries = part.map((event): TimelineEntry => {
      const previous = previousOf.get(event.seq);
      const span = spans.get(event.seq);
      return {
        ...eventText(event, (time) => formatClock(time, now)),
        seq: event.seq,
        at: event.at,
        ...(event.actor.id !== assigned?.factoryId && { actor: actorName(event.actor) }),
        sincePreviousMs: previous ? ms(event) - ms(previous) : 0,
        ...(span && { entered: span.stage, ...(!isEnded(span.stage) && { stayedMs: span.durationMs }) }),
        ...(event.body.kind === 'job.assigned' && { decision: event.body.decision }),
      };
    });
    const group: TimelineGroup = {
      key: String(first.seq),
      title: titleOf(first, attempts),
      startedAt: first.at,
      durationMs: (isUnderWay(last) && last === events.at(-1) ? now : ms(last)) - ms(first),
      entries,
      ...(assigned && { epoch: assigned.epoch, factoryId: assigned.factoryId }),
    };
    return [group];
  });
}
