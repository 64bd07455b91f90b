import { useState } from 'react';
import type { JobDetail } from '../../../shared/contract/api.js';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { ReasonDialog } from './ReasonDialog.js';
import { ShipDialog } from './ShipDialog.js';

type Open = 'ship' | 'cancel' | 'requeue';

/** Only what the API says is legal for this person now. */
export function JobActions({ detail, onChanged }: { detail: JobDetail; onChanged: () => void }) {
  const { job, legal } = detail;
  const [open, setOpen] = useState<Open>();
  // Asking twice is legal and changes nothing: the button would only confuse while it lands.
  const canShip = legal.includes('ship') && !job.landing;
  const close = (): void => {
    setOpen(undefined);
  };
  const done = (): void => {
    close();
    onChanged();
  };
  useHotkeys({
    s: () => {
      if (canShip) setOpen('ship');
    },
  });
  return (
    <div className="actions" role="group" aria-label="Actions">
      {legal.includes('requeue') && (
        <button
          type="button"
          className="button"
          onClick={() => {
            setOpen('requeue');
          }}
        >
          Requeue
        </button>
      )}
      {legal.includes('cancel') && (
        <button
          type="button"
          className="button"
          onClick={() => {
            setOpen('cancel');
          }}
        >
          Cancel
        </button>
      )}
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
      {(open === 'cancel' || open === 'requeue') && (
        <ReasonDialog job={job} command={open} onClose={close} onDone={done} />
      )}
    </div>
  );
}
