import { connection } from '../connection.js';
import { useControl } from '../control.js';
import { Link } from '../parts/Link.js';
import { useStore } from '../store.js';
import { nextTheme, setTheme, theme } from './theme.js';

const THEME_MARK = { system: '◐', light: '☀', dark: '☾' } as const;

/** Name, places, and who is signed in. */
export function Header({ screen, onHelp }: { screen: string; onHelp: () => void }) {
  const { session } = useControl();
  const live = useStore(connection.store).kind === 'ok';
  const current = useStore(theme);
  return (
    <header className="header">
      <Link to="/" className="brand">
        <img src="/mark.svg" alt="" width="22" height="22" />
        <span>gigafactory</span>
      </Link>
      <nav aria-label="Main">
        <Link to="/" current={screen === 'jobs' || screen === 'job'}>
          Jobs
        </Link>
        <Link to="/fleet" current={screen === 'fleet'}>
          Fleet
        </Link>
        <Link to="/profiles" current={screen === 'profiles'}>
          Profiles
        </Link>
      </nav>
      <div className="header-end">
        <span className="live" data-live={live || undefined}>
          {live ? 'Live' : 'Offline'}
        </span>
        <button
          type="button"
          className="icon-button"
          title={`Theme: ${current} (t)`}
          aria-label={`Theme: ${current}`}
          onClick={() => {
            setTheme(nextTheme(current));
          }}
        >
          {THEME_MARK[current]}
        </button>
        <button type="button" className="icon-button" title="Keys (?)" aria-label="Keys" onClick={onHelp}>
          ?
        </button>
        <details className="menu">
          <summary title="Account">
            <span className="avatar" aria-hidden="true">
              {session.name.slice(0, 1).toUpperCase()}
            </span>
            <span className="wide-only">{session.name}</span>
          </summary>
          <div className="menu-body">
            <p className="muted">Signed in as {session.name}</p>
            <button type="button" className="button" onClick={() => void session.signOut()}>
              Sign out
            </button>
          </div>
        </details>
      </div>
    </header>
  );
}
