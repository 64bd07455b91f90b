import type { PoolView } from '../view/fleet.js';

/** The declared pools; a job goes to the least capable one that satisfies it. */
export function PoolTable({ pools }: { pools: readonly PoolView[] }) {
  return (
    <section aria-labelledby="pools">
      <h2 id="pools" className="section-title">
        Pools
      </h2>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Pool</th>
            <th scope="col">Guarantees</th>
            <th scope="col">Factories</th>
            <th scope="col" className="number">
              Free stations
            </th>
          </tr>
        </thead>
        <tbody>
          {pools.map((pool) => (
            <tr key={pool.name} data-empty={pool.members.length === 0 || undefined}>
              <th scope="row">{pool.name}</th>
              <td className="tags">
                {pool.capabilities.map((tag) => (
                  <code key={tag}>{tag}</code>
                ))}
              </td>
              <td>
                {pool.members.map((factory) => factory.id).join(', ') || (
                  <span className="faint">nobody</span>
                )}
              </td>
              <td className="number">{pool.members.length > 0 ? pool.free : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
