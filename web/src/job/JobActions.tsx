import { useState } from 'react';
import type { JobDetail } from '../../../shared/contract/api.js';
import { useControl } from '../control.js';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { Dialog } from '../parts/Dialog.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { failureOf, type Failure } from '../view/failure.js';
import { ReasonDialog, type ReasonCommand } from './ReasonDialog.js';
import { ShipDialog } from './ShipDialog.js';

const WITHOUT_REASON = [
  { command: 'resume', route: 'resumeJob', label: 'Resume' },
  { command: 'approve', route: 'approveJob', label: 'Approve' },
  { command: 'promote', route: 'promoteJob', label: 'Promote' },
] as const;

const WITH_REASON: readonly { command: ReasonCommand; label: string }[] = [
  { command: 'reject', label: 'Reject' },
  { command: 'override', label: 'Override scope' },
  { command: 'hold', label: 'Hold' },
  { command: 'pause', label: 'Pause' },
  { command: 'requeue', label: 'Requeue' },
  { command: 'cancel', label: 'Cancel' },
];

/** Only what the API says is legal for this person now. */
export function JobActions({ detail, onChanged }: { detail: JobDetail; onChanged: () => void }) {
  const { job, legal } = detail;
  const { client } = useControl();
  const [failure, setFailure] = useState<Failure>();
  const [open, setOpen] = useState<'ship' | ReasonCommand>();
  // Asking twice is legal and changes nothing: the button would only confuse while it lands.
  const canShip = legal.includes('ship') && !job.landing;
  const close = (): void => {
    setOpen(undefined);
  };
  const done = (): void => {
    close();
    onChanged();
  };
  const send = async (route: (typeof WITHOUT_REASON)[number]['route']): Promise<void> => {
    try {
      await client[route]({ params: { jobId: job.jobId } });
    } catch (error) {
      setFailure(failureOf(error));
    }
    onChanged();
  };
  useHotkeys({
    s: () => {
      if (canShip) setOpen('ship');
    },
  });
  return (
    <div className="actions" role="group" aria-label="Actions">
      {WITHOUT_REASON.filter(({ command }) => legal.includes(command)).map(({ command, route, label }) => (
        <button key={command} type="button" className="button" onClick={() => void send(route)}>
          {label}
        </button>
      ))}
      {WITH_REASON.filter(({ command }) => legal.includes(command)).map(({ command, label }) => (
        <button
          key={command}
          type="button"
          className="button"
          onClick={() => {
            setOpen(command);
          }}
        >
          {label}
        </button>
      ))}
      {canShip && (
        <button
          type="button"
          className="button primary"
          onClick={() => {
            setOpen('ship');
          }}
        >
          Ship <kbd>s</kbd>
        </button>
      )}
      {open === 'ship' && <ShipDialog job={job} onClose={close} onDone={done} />}
      {open !== undefined && open !== 'ship' && (
        <ReasonDialog job={job} command={open} onClose={close} onDone={done} />
      )}
      {failure && (
        <Dialog
          title="Nothing was changed"
          onClose={() => {
            setFailure(undefined);
          }}
        >
          <FailureNotice failure={failure} />
        </Dialog>
      )}
    </div>
  );
}
