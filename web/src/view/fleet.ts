/** Factories, their stations and pools. */
import type { JobSummary } from '../../../shared/contract/api.js';
import type { RouteResult } from '../../../shared/contract/routeTypes.js';

export type FactorySummary = RouteResult<'listFactories'>['factories'][number];

/** What is known of the jobs: with a complete list, a factory that holds none of them is idle. */
export interface Work {
  readonly jobs: readonly JobSummary[];
  readonly complete: boolean;
}

/**
 * How many stations work. A factory reports its own count only when it talks to the control plane, so an idle one's
 * is old; who holds which job is the truth.
 */
export function busyStations(factory: FactorySummary, { jobs, complete }: Work): number {
  const held = jobs.filter((job) => job.holder === factory.id).length;
  return Math.min(factory.stations, complete ? held : Math.max(held, factory.running));
}

export interface FleetTotals {
  readonly factories: number;
  readonly online: number;
  readonly stations: number;
  readonly busy: number;
}

/** Offline factories offer no stations. */
export function fleetTotals(factories: readonly FactorySummary[], work: Work): FleetTotals {
  const online = factories.filter((factory) => factory.status !== 'offline');
  return {
    factories: factories.length,
    online: online.length,
    stations: online.reduce((sum, factory) => sum + factory.stations, 0),
    busy: online.reduce((sum, factory) => sum + busyStations(factory, work), 0),
  };
}

/** One cell a station; the jobs that the list knows to be there come first. */
export interface Station {
  readonly job?: JobSummary;
  readonly busy: boolean;
}

export function stationsOf(factory: FactorySummary, work: Work): Station[] {
  const here = work.jobs.filter((job) => job.holder === factory.id);
  const busy = busyStations(factory, work);
  return Array.from({ length: factory.stations }, (_, index) => {
    const job = here[index];
    return job ? { job, busy: true } : { busy: index < busy };
  });
}

/** Those that take work first, then the draining, then the ones that are away; by name within each. */
export function sortFactories(factories: readonly FactorySummary[]): FactorySummary[] {
  const rank = { online: 0, draining: 1, offline: 2 };
  return factories.toSorted((a, b) => rank[a.status] - rank[b.status] || a.id.localeCompare(b.id));
}

export interface PoolView {
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly members: readonly FactorySummary[];
  readonly free: number;
}

/** The declared pools with who is in them; a pool without members is worth seeing. */
export function poolViews(
  declared: readonly { name: string; capabilities: readonly string[] }[],
  factories: readonly FactorySummary[],
  work: Work,
): PoolView[] {
  return declared.map((pool) => {
    const members = factories.filter(
      (factory) => factory.status !== 'offline' && factory.pools.includes(pool.name),
    );
    const free = members
      .filter((factory) => factory.status === 'online')
      .reduce((sum, factory) => sum + Math.max(0, factory.stations - busyStations(factory, work)), 0);
    return { name: pool.name, capabilities: pool.capabilities, members, free };
  });
}

/** Tags in groups for reading: engines, tools with their version, the rest. */
export function groupCapabilities(advertises: readonly string[]): { title: string; tags: string[] }[] {
  const engines = advertises.filter((tag) => tag.startsWith('engine:') || tag.startsWith('engine-class:'));
  const tools = advertises.filter((tag) => tag.includes('@'));
  const rest = advertises.filter((tag) => !engines.includes(tag) && !tools.includes(tag));
  return [
    { title: 'Engines', tags: engines.map((tag) => tag.replace(/^engine:/, '')) },
    { title: 'Tools', tags: tools.map((tag) => tag.replace('@', ' ')) },
    { title: 'Machine', tags: rest },
  ].filter((group) => group.tags.length > 0);
}
