/** Addresses: `/`, `/jobs/<id>`, `/fleet`, `/profiles`, each with a query. The browser's own history, nothing more. */
import { createStore, useStore } from './store.js';

export type Route =
  | { readonly screen: 'jobs' }
  | { readonly screen: 'job'; readonly jobId: string }
  | { readonly screen: 'fleet' }
  | { readonly screen: 'profiles' }
  | { readonly screen: 'unknown' };

interface Address {
  readonly path: string;
  readonly search: string;
}

const read = (): Address => ({ path: location.pathname, search: location.search });
const address = createStore<Address>(read());
window.addEventListener('popstate', () => {
  address.set(read());
});

/** What the path names. */
export function routeOf(path: string): Route {
  if (path === '/' || path === '/jobs') return { screen: 'jobs' };
  if (path === '/profiles') return { screen: 'profiles' };
  if (path === '/fleet') return { screen: 'fleet' };
  const job = /^\/jobs\/([^/]+)\/?$/.exec(path);
  return job?.[1] ? { screen: 'job', jobId: decodeURIComponent(job[1]) } : { screen: 'unknown' };
}

/** Goes to another page; `replace` for a change within the page, such as a filter, that Back should skip. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  address.set(read());
  if (!replace) window.scrollTo(0, 0);
}

/** Sets or clears one parameter of the query and leaves the rest. */
export function setParam(name: string, value: string | undefined): void {
  const params = new URLSearchParams(location.search);
  if (value) params.set(name, value);
  else params.delete(name);
  const search = params.toString();
  navigate(location.pathname + (search && `?${search}`), { replace: true });
}

export function useAddress(): Address {
  return useStore(address);
}

export const jobPath = (jobId: string): string => `/jobs/${encodeURIComponent(jobId)}`;
