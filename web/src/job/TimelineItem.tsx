import { STAGE_LABEL } from '../view/stages.js';
import { formatClock, formatDuration } from '../view/time.js';
import type { TimelineEntry } from '../view/timeline.js';
import { Decision } from './Decision.js';

/** One event: when, what, by whom, and how long the stage that began with it lasted. */
export function TimelineItem({ entry, now }: { entry: TimelineEntry; now: number }) {
  return (
    <li className="timeline-item" data-tone={entry.tone}>
      <time
        dateTime={entry.at}
        title={`${new Date(entry.at).toLocaleString()} · +${formatDuration(entry.sincePreviousMs)}`}
      >
        {formatClock(entry.at, now)}
      </time>
      <div>
        <p>
          {entry.text}
          {entry.actor && <span className="muted"> · {entry.actor}</span>}
        </p>
        {entry.note && <p className="note">{entry.note}</p>}
        {entry.entered && entry.stayedMs !== undefined && (
          <p className={`stayed stage-${entry.entered}`}>
            {STAGE_LABEL[entry.entered]} {formatDuration(entry.stayedMs)}
          </p>
        )}
        {entry.decision && (
          <details>
            <summary>Score and who else was considered</summary>
            <Decision decision={entry.decision} />
          </details>
        )}
      </div>
    </li>
  );
}
