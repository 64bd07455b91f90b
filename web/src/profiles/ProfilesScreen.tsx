import { useEffect, useState } from 'react';
import { CATALOGUE_OWNER } from '../../../shared/contract/profile.js';
import type { ProfileView } from '../../../shared/contract/view.js';
import { useControl } from '../control.js';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { usePoll } from '../hooks/usePoll.js';
import { useProducts } from '../hooks/useProducts.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { ProductSelect } from '../parts/ProductSelect.js';
import { navigate, setParam, useAddress } from '../router.js';
import { ProfileEditor } from './ProfileEditor.js';
import { VersionChange } from './VersionChange.js';

const POLL_MS = 10_000;

/** Who works on jobs, and within what limits; each with its versions and what each changed; edited here or by `aq profile put`. */
export function ProfilesScreen() {
  const { client } = useControl();
  const { value: products = [] } = useProducts();
  const params = new URLSearchParams(useAddress().search);
  const owner = params.get('product') ?? CATALOGUE_OWNER;
  const { value, failure, refresh } = usePoll(
    `profiles ${owner}`,
    (signal) => client.listProfiles({ params: { owner } }, { signal }),
    POLL_MS,
  );
  useHotkeys({
    Escape: () => {
      navigate('/');
    },
  });
  useEffect(() => {
    document.title = 'Profiles · gigafactory';
  }, []);
  const profiles = value?.profiles ?? [];
  const chosen = profiles.find(({ name }) => name === params.get('profile')) ?? profiles[0];
  return (
    <div className="page">
      <div className="page-head">
        <h1>Profiles</h1>
        <label className="field beside">
          <span>Profiles of</span>
          <ProductSelect
            products={products}
            value={owner}
            none={{ value: CATALOGUE_OWNER, text: 'the catalogue' }}
            onChange={(next) => {
              setParam('product', next === CATALOGUE_OWNER ? undefined : next);
            }}
          />
        </label>
      </div>
      {failure && !value && <FailureNotice failure={failure} onRetry={refresh} />}
      {!value && !failure && <div className="skeleton" role="status" aria-label="Loading the profiles" />}
      {chosen && (
        <div className="profiles">
          <nav aria-label="Profiles" className="profile-list">
            {profiles.map(({ name, spec, version, productId }) => (
              <button
                key={name}
                type="button"
                aria-current={name === chosen.name || undefined}
                onClick={() => {
                  setParam('profile', name);
                }}
              >
                <b>{spec.title}</b>
                <span className="muted">
                  {name} · version {version}
                </span>
                {productId !== CATALOGUE_OWNER && <span className="own">{productId}’s own</span>}
              </button>
            ))}
          </nav>
          <ProfileArticle
            // Not by whose it is: the first version of a product's own would throw away what is being edited.
            key={`${owner} ${chosen.name}`}
            owner={owner}
            newest={chosen}
            onSaved={refresh}
          />
        </div>
      )}
    </div>
  );
}

interface ViewProps {
  owner: string;
  newest: ProfileView;
  onSaved: () => void;
}

function ProfileArticle({ owner, newest: listed, onSaved }: ViewProps) {
  const { client } = useControl();
  const [saved, setSaved] = useState<ProfileView>();
  // The list may be older than what was saved here a moment ago: that is what the next edit starts from.
  const isListed = saved?.productId === listed.productId && saved.version <= listed.version;
  const newest = saved === undefined || isListed ? listed : saved;
  const [version, setVersion] = useState<number>();
  const [editing, setEditing] = useState(false);
  const { name } = newest;
  const { value, refresh } = usePoll(
    `versions ${owner} ${name}`,
    (signal) => client.getProfileHistory({ params: { owner, name } }, { signal }),
    POLL_MS,
  );
  const versions = value?.profiles ?? [newest];
  const shown = versions.find((one) => one.version === version) ?? newest;
  const before = versions.find((one) => one.version === shown.version - 1);
  const { spec } = shown;
  return (
    <article className="profile">
      <div className="job-title">
        <h2>{spec.title}</h2>
        <button
          type="button"
          className="button"
          onClick={() => {
            setEditing(true);
          }}
        >
          Edit
        </button>
      </div>
      {editing && (
        <ProfileEditor
          owner={owner}
          profile={newest}
          onClose={() => {
            setEditing(false);
          }}
          onSaved={(next) => {
            setEditing(false);
            setSaved(next);
            setVersion(next.version);
            refresh();
            onSaved();
          }}
        />
      )}
      <p>{spec.summary}</p>
      <dl className="facts">
        {factsOf(shown).map(([term, text]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <pre className="output persona" tabIndex={0} aria-label="Persona">
        {spec.persona}
      </pre>
      <h3>Versions</h3>
      <table className="table">
        <thead>
          <tr>
            <th>Version</th>
            <th>At</th>
            <th>By</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((one) => (
            <tr key={one.version} aria-current={one.version === shown.version || undefined}>
              <td>
                <button
                  type="button"
                  className="link-button"
                  onClick={() => {
                    setVersion(one.version);
                  }}
                >
                  {one.version}
                </button>
              </td>
              <td>{one.at.slice(0, 16).replace('T', ' ')}</td>
              <td>{one.by.id}</td>
              <td>{one.note ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {before && <VersionChange before={before} after={shown} />}
    </article>
  );
}

function factsOf({ productId, spec }: ProfileView): [string, string][] {
  const policy = spec['review-policy'];
  const facts: [string, string | undefined][] = [
    ['Of', productId === CATALOGUE_OWNER ? 'the catalogue' : productId],
    ['Requires', spec.capabilities.join(', ') || undefined],
    ['Engine', spec['engine-class']],
    ['Prefers', spec['prefers-engine'].join(', ') || undefined],
    ['Verify', spec['default-verify']],
    ['May change', spec['allowed-scope']?.join('  ')],
    ['Review', typeof policy === 'object' ? `${policy.quorum} of ${policy.reviewers.join(', ')}` : policy],
    ['Push', spec['push-policy']],
    ['Produces', spec.produces],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}
