import { useEffect, useRef, useState } from 'react';
import { FleetScreen } from '../fleet/FleetScreen.js';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { JobScreen } from '../job/JobScreen.js';
import { JobsScreen } from '../jobs/JobsScreen.js';
import { ProfilesScreen } from '../profiles/ProfilesScreen.js';
import { Link } from '../parts/Link.js';
import { navigate, routeOf, useAddress, type Route } from '../router.js';
import { assertExhaustive } from '../../../shared/errors.js';
import { ConnectionBanner } from './ConnectionBanner.js';
import { Header } from './Header.js';
import { HelpDialog } from './HelpDialog.js';
import { nextTheme, setTheme, theme } from './theme.js';

/** `g` and the letter after it belong together for this long. */
const CHORD_MS = 1000;

function Screen({ route }: { route: Route }) {
  switch (route.screen) {
    case 'jobs':
      return <JobsScreen />;
    case 'job':
      return <JobScreen key={route.jobId} jobId={route.jobId} />;
    case 'fleet':
      return <FleetScreen />;
    case 'profiles':
      return <ProfilesScreen />;
    case 'unknown':
      return (
        <div className="page">
          <div className="empty">
            <h1>There is no such page</h1>
            <Link to="/" className="button">
              Go to the jobs
            </Link>
          </div>
        </div>
      );
    default:
      return assertExhaustive(route);
  }
}

/** The frame around every screen. */
export function App() {
  const { path } = useAddress();
  const route = routeOf(path);
  const [help, setHelp] = useState(false);
  const chord = useRef(0);
  useHotkeys({
    '?': () => {
      setHelp(true);
    },
    t: () => {
      setTheme(nextTheme(theme.get()));
    },
    g: () => {
      chord.current = Date.now();
    },
  });
  useEffect(() => {
    // In the capture phase: right after `g` these keys are not the screen's.
    const onKey = (event: KeyboardEvent): void => {
      const chorded = Date.now() - chord.current < CHORD_MS;
      chord.current = 0;
      const to = event.key === 'j' ? '/' : event.key === 'f' ? '/fleet' : undefined;
      if (!chorded || to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      navigate(to);
    };
    document.addEventListener('keydown', onKey, true);
    return () => {
      document.removeEventListener('keydown', onKey, true);
    };
  }, []);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Header
        screen={route.screen}
        onHelp={() => {
          setHelp(true);
        }}
      />
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        <Screen route={route} />
      </main>
      {help && (
        <HelpDialog
          onClose={() => {
            setHelp(false);
          }}
        />
      )}
    </>
  );
}
