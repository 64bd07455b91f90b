import { memo } from 'react';
import type { Stage } from '../../../shared/contract/job.js';
import type { JobEventView } from '../../../shared/contract/view.js';
import { useNow } from '../hooks/useNow.js';
import { isEnded } from '../view/stages.js';
import { formatDuration } from '../view/time.js';
import { timeline } from '../view/timeline.js';
import { TimelineItem } from './TimelineItem.js';

/** The story of the job, oldest first, in parts: submit, each run, ship. */
export const Timeline = memo(function Timeline({ events, stage }: { events: JobEventView[]; stage: Stage }) {
  const now = useNow(!isEnded(stage));
  return (
    <section className="timeline" aria-labelledby="timeline-title">
      <h2 id="timeline-title" className="section-title">
        Timeline
      </h2>
      {timeline(events, now).map((group) => (
        <div key={group.key} className="timeline-group">
          {group.entries.length > 1 && (
            <h3>
              {group.title}
              {group.factoryId && <span className="muted"> on {group.factoryId}</span>}
              <span className="timeline-span">{formatDuration(group.durationMs)}</span>
            </h3>
          )}
          <ol>
            {group.entries.map((entry) => (
              <TimelineItem key={entry.seq} entry={entry} now={now} />
            ))}
          </ol>
        </div>
      ))}
    </section>
  );
});
