import type { ReactNode } from 'react';
import { changeLabel } from '../../../shared/contract/prospects.js';
import { useExplanation } from './useJob.js';

/** Why a queued job does not run, and the smallest change that would place it. */
export function WaitingNotice({
  jobId,
  onWhy,
  children,
}: {
  jobId: string;
  onWhy: () => void;
  children: ReactNode;
}) {
  const { value: explanation } = useExplanation(jobId);
  if (!explanation) return null;
  return (
    <div className="notice">
      <p>
        {children}
        {explanation.summary}
      </p>
      {explanation.wouldPlace && (
        <p className="muted">
          {changeLabel(explanation)}: {explanation.wouldPlace}
        </p>
      )}
      <button type="button" className="link" onClick={onWhy}>
        {explanation.state === 'blocked' ? 'What it waits for' : 'Who was considered'}
      </button>
    </div>
  );
}
