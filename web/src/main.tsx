import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from '../../shared/client.js';
import { parseConfig, type Config } from './config.js';
import { ControlContext } from './control.js';
import { finishRenewal, isRenewalFrame, openSession, signInAgain } from './session.js';
import { App } from './shell/App.js';
import { BootNotice } from './shell/BootNotice.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/dialog.css';
import './styles/tables.css';
import './styles/shell.css';
import './styles/jobs.css';
import './styles/job.css';
import './styles/timeline.css';
import './styles/log.css';
import './styles/fleet.css';
import './styles/graph.css';

const element = document.getElementById('root');
if (!element) throw new Error('index.html has no #root');
const root = createRoot(element);

async function loadConfig(): Promise<Config> {
  const response = await fetch('/config.json', { cache: 'no-store' });
  if (!response.ok) throw new Error(`/config.json answered ${response.status}.`);
  return parseConfig(await response.json());
}

async function open(config: Config): Promise<void> {
  const session = await openSession(config);
  if (!session) {
    root.render(
      <BootNotice
        title="You are signed out"
        detail="This tab keeps nothing of your session."
        action="Sign in"
        onAction={() => void signInAgain(config).catch(showFailure)}
      />,
    );
    return;
  }
  const client = createClient({ baseUrl: config.apiUrl, token: session.token });
  root.render(
    <StrictMode>
      <ControlContext value={{ client, session, apiUrl: config.apiUrl }}>
        <App />
      </ControlContext>
    </StrictMode>,
  );
}

function showFailure(error: unknown): void {
  root.render(
    <BootNotice
      title="The console cannot start"
      detail={`${error instanceof Error ? error.message : String(error)} Is the control plane running? On this machine: npm start.`}
      action="Try again"
      onAction={() => {
        location.reload();
      }}
    />,
  );
}

async function start(): Promise<void> {
  const config = await loadConfig();
  await (isRenewalFrame() ? finishRenewal(config) : open(config));
}

start().catch(showFailure);
