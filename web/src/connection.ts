/** Whether the control plane answers; the banner and the polls share it. */
import { createStore } from './store.js';

export type ConnectionState =
  | { readonly kind: 'ok' }
  | { readonly kind: 'lost'; readonly since: string; readonly detail: string };

const OK: ConnectionState = { kind: 'ok' };
const state = createStore<ConnectionState>(OK);
const retries = new Set<() => void>();

export const connection = {
  store: state,
  answered: (): void => {
    state.set(OK);
  },
  lost: (detail: string): void => {
    const before = state.get();
    if (before.kind === 'ok') state.set({ kind: 'lost', since: new Date().toISOString(), detail });
  },
  /** Everything that polls tries again now. */
  retry: (): void => {
    for (const retry of retries) retry();
  },
  onRetry: (listener: () => void): (() => void) => {
    retries.add(listener);
    return () => retries.delete(listener);
  },
};
