/** .NET's TimeSpan.MaxValue: how the service says "without end". */
const ENDLESS = 'P10675199DT2H48M5.4775807S';
/** About 29,000 years: anything longer is without end. */
const ENDLESS_SECONDS = 10_675_199 * 86_400;

/** Seconds of an ISO 8601 duration of days, hours, minutes and seconds; undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const match =
    /^P(?=\d|T\d)(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(
      text,
    );
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const total = days! * 86_400 + hours! * 3_600 + minutes! * 60 + seconds!;
  return total >= ENDLESS_SECONDS ? Infinity : total;
}

/** The ISO 8601 form of a duration in ms, as the service writes it: `P1DT30M`; Infinity has a form of its own. */
export function formatDuration(ms: number): string {
  if (ms === Infinity) return ENDLESS;
  let seconds = ms / 1_000;
  const take = (unit: number, letter: string): string => {
    const count = Math.floor(seconds / unit);
    seconds -= count * unit;
    return count > 0 ? `${count}${letter}` : '';
  };
  const days = take(86_400, 'D');
  const time = take(3_600, 'H') + take(60, 'M') + (seconds > 0 ? `${seconds}S` : '');
  if (!days && !time) return 'PT0S';
  return `P${days}${time ? `T${time}` : ''}`;
}
