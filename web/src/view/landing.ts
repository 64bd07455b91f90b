/** How far the merge is after somebody said ship. */
import type { JobEventView } from '../../../shared/contract/view.js';

export const LANDING_STEPS = ['Requested', 'Taken by a factory', 'Merging', 'Merged'] as const;

export interface Landing {
  /** Index into LANDING_STEPS of the last step that happened. */
  readonly step: number;
  readonly requestedAt: string;
  readonly requestedBy: string;
  readonly factoryId?: string;
  /** Why it was not merged; the job is back in review then. */
  readonly refused?: string;
}

/** The newest attempt to ship, or undefined when nobody asked. */
export function landingOf(events: readonly JobEventView[]): Landing | undefined {
  const start = events.findLastIndex((event) => event.body.kind === 'ship.requested');
  const request = events[start];
  if (!request) return undefined;
  let landing: Landing = { step: 0, requestedAt: request.at, requestedBy: request.actor.id };
  for (const { body } of events.slice(start + 1)) {
    if (body.kind === 'job.assigned' && body.run === 'land')
      landing = { ...landing, step: 1, factoryId: body.factoryId };
    else if (body.kind === 'run.started' && body.run === 'land') landing = { ...landing, step: 2 };
    // A lost or released merge goes back to waiting for a factory.
    else if (body.kind === 'run.lost' || body.kind === 'run.released')
      landing = { step: 0, requestedAt: request.at, requestedBy: request.actor.id };
    else if (body.kind === 'ship.landed') landing = { ...landing, step: 3 };
    else if (body.kind === 'ship.refused') landing = { ...landing, refused: body.message };
    else if (body.kind === 'job.requeued' || body.kind === 'job.cancelled') return undefined;
  }
  return landing;
}
