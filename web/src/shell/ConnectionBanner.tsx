import { connection } from '../connection.js';
import { Elapsed } from '../parts/ClockText.js';
import { useStore } from '../store.js';

/** Says that what is shown is old, since when, and that it comes back by itself. */
export function ConnectionBanner() {
  const state = useStore(connection.store);
  return (
    <div role="status">
      {state.kind === 'lost' && (
        <div className="banner">
          <span>
            <strong>Not connected</strong> for <Elapsed since={state.since} />: {state.detail} What you see is
            from before; it is tried again by itself.
          </span>
          <button type="button" className="button small" onClick={connection.retry}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}
