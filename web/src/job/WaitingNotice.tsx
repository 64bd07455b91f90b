import type { ReactNode } from 'react';
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
      {explanation.wouldPlace && <p className="muted">What would place it: {explanation.wouldPlace}</p>}
      <button type="button" className="link" onClick={onWhy}>
        Who was considered
      </button>
    </div>
  );
}
