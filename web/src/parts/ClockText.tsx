import { useClockText } from '../hooks/useNow.js';
import { formatAge, formatElapsed, formatUntil } from '../view/time.js';

const absolute = (iso: string): string => new Date(iso).toLocaleString();

/** How long ago, in a column: keeps itself up to date, with the moment itself on hover. */
export function Age({ at }: { at: string }) {
  const text = useClockText((now) => formatAge(at, now));
  return (
    <time dateTime={at} title={absolute(at)}>
      {text}
    </time>
  );
}

/** How long something has been going on. */
export function Elapsed({ since }: { since: string }) {
  const text = useClockText((now) => formatElapsed(since, now));
  return (
    <time dateTime={since} title={`since ${absolute(since)}`}>
      {text}
    </time>
  );
}

/** Counts down; `past` once the moment is over. */
export function Until({ at, past }: { at: string; past: string }) {
  const text = useClockText((now) => formatUntil(at, now) ?? '');
  return <time dateTime={at}>{text ? `in ${text}` : past}</time>;
}
