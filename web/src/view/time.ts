/** Times as people read them. Everything takes `now` in milliseconds, so that a test needs no clock. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Below it a tenth of a second matters: an assignment takes less than one. */
const FINE_BELOW_MS = 10 * SECOND;

const two = (value: number): string => String(value).padStart(2, '0');

/** How long something took: `40 ms`, `2.4 s`, `48 s`, `3 min 05 s`, `2 h 14 min`, `3 d 4 h`. Never negative. */
export function formatDuration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 100) return `${Math.round(span)} ms`;
  if (span < FINE_BELOW_MS) return `${(Math.floor(span / 100) / 10).toFixed(1)} s`;
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min ${two(Math.floor((span % MINUTE) / SECOND))} s`;
  if (span < DAY) return `${Math.floor(span / HOUR)} h ${two(Math.floor((span % HOUR) / MINUTE))} min`;
  return `${Math.floor(span / DAY)} d ${Math.floor((span % DAY) / HOUR)} h`;
}

/** How long ago, in one unit, for a column: `now`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function formatAge(iso: string, now: number): string {
  const span = now - Date.parse(iso);
  if (span < SECOND) return 'now';
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < DAY) return `${Math.floor(span / HOUR)} h`;
  return `${Math.floor(span / DAY)} d`;
}

/** How long something has been going on; counts whole seconds, so that a running clock does not jitter. */
export function formatElapsed(iso: string, now: number): string {
  const span = Math.max(0, now - Date.parse(iso));
  return formatDuration(span < MINUTE ? Math.max(SECOND, Math.floor(span / SECOND) * SECOND) : span).replace(
    /\.0 s$/,
    ' s',
  );
}

/** The time until a moment in the future, or undefined when it has passed. */
export function formatUntil(iso: string, now: number): string | undefined {
  const span = Date.parse(iso) - now;
  return span <= 0 ? undefined : formatDuration(Math.ceil(span / SECOND) * SECOND).replace(/\.0 s$/, ' s');
}

/** `14:03:27`, with the day in front unless it is today; in the reader's time zone. */
export function formatClock(iso: string, now: number): string {
  const at = new Date(iso);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (at.toDateString() === new Date(now).toDateString()) return time;
  const day = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  return `${day} ${time}`;
}
