import { useEffect } from 'react';
import { pools as declaredPools } from '../../../shared/topology.json';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { useJobs, workOf } from '../jobs/useJobs.js';
import { CopyButton } from '../parts/CopyButton.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { navigate } from '../router.js';
import { fleetTotals, poolViews } from '../view/fleet.js';
import { FactoryCard } from './FactoryCard.js';
import { ParkedTable } from './ParkedTable.js';
import { PoolTable } from './PoolTable.js';
import { useFleet } from './useFleet.js';

const ENROL = 'npx aq enrol';

/** Every factory with what it can do, and every pool with who is in it. */
export function FleetScreen() {
  const { value: factories, failure, refresh } = useFleet();
  const { value: list } = useJobs({ text: '' });
  const work = workOf(list);
  useHotkeys({
    Escape: () => {
      navigate('/');
    },
  });
  useEffect(() => {
    document.title = 'Fleet · gigafactory';
  }, []);
  const totals = fleetTotals(factories ?? [], work);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Fleet</h1>
        {factories && (
          <p className="muted">
            {totals.online} of {totals.factories} factories online · {totals.busy} of {totals.stations}{' '}
            stations busy
          </p>
        )}
      </div>
      {failure && !(failure.offline && factories) && <FailureNotice failure={failure} onRetry={refresh} />}
      {!factories && !failure && <div className="skeleton" role="status" aria-label="Loading the fleet" />}
      {factories?.length === 0 && (
        <div className="empty">
          <h2>No factory yet</h2>
          <p className="muted">
            A factory is a machine or a container that runs jobs. A one-time token enrols it.
          </p>
          <div className="command">
            <code>{ENROL}</code>
            <CopyButton text={() => ENROL} label="Copy" />
          </div>
        </div>
      )}
      <div className="factories">
        {factories?.map((factory) => (
          <FactoryCard key={factory.id} factory={factory} work={work} />
        ))}
      </div>
      {factories && <PoolTable pools={poolViews(declaredPools, factories, work)} />}
      <ParkedTable />
    </div>
  );
}
