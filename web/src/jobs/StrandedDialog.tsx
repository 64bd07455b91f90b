import type { Explanation } from '../../../shared/contract/explanation.js';
import { changeLabel } from '../../../shared/contract/prospects.js';
import { Dialog } from '../parts/Dialog.js';
import { jobPath, navigate } from '../router.js';

/** A job that was just submitted and that no factory takes: it stays queued, and this says what it needs. */
export function StrandedDialog({ explanation, onClose }: { explanation: Explanation; onClose: () => void }) {
  return (
    <Dialog title="Queued, but no factory takes it now" onClose={onClose}>
      <p>{explanation.summary}</p>
      {explanation.wouldPlace && (
        <p>
          <strong>{changeLabel(explanation)}:</strong> {explanation.wouldPlace}
        </p>
      )}
      <div className="actions end">
        <button
          type="button"
          className="button primary"
          data-focus
          onClick={() => {
            onClose();
            navigate(jobPath(explanation.jobId));
          }}
        >
          Go to the job
        </button>
      </div>
    </Dialog>
  );
}
