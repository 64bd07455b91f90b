import { Link } from '../parts/Link.js';
import { fleetTotals, type Work } from '../view/fleet.js';
import { Stations } from './Stations.js';
import { useFleet } from './useFleet.js';

/** The fleet in one line: who is there, and which stations work. */
export function FleetStrip({ work }: { work: Work }) {
  const { value: factories } = useFleet();
  if (!factories) return <section className="strip" aria-label="Fleet" aria-busy="true" />;
  const totals = fleetTotals(factories, work);
  return (
    <section className="strip" aria-label="Fleet">
      <Link to="/fleet" className="strip-total">
        <b>
          {totals.busy}
          <span className="muted">/{totals.stations}</span>
        </b>
        <span className="muted">stations busy</span>
      </Link>
      <ul>
        {factories.map((factory) => (
          <li key={factory.id} data-status={factory.status}>
            <span className="dot" aria-hidden="true" />
            <span className="strip-name">{factory.id}</span>
            <Stations factory={factory} work={work} />
            <span className="strip-pools muted">
              {factory.status === 'online' ? factory.pools.join(' · ') : factory.status}
            </span>
          </li>
        ))}
        {factories.length === 0 && (
          <li className="muted">
            No factory has enrolled: jobs wait. <code>npx aq enrol</code> makes a token for one.
          </li>
        )}
      </ul>
    </section>
  );
}
