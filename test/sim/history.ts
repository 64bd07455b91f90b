// Judges what actors saw of jobs: is there an order of all calls, within the times they took, in which each answer is
// right? Epochs grow by one with every claim, so they name the order of claims, and the question needs no search.

/** The actor that takes jobs back whose leases ran out. */
const REAPER = 'reaper';

export interface HistoryEntry {
  /** Who called: a factory; for `lose` whoever took the job away. */
  readonly actor: string;
  /**
   * `claim` a job was given · `renew` a lease was kept · `complete` the last report of a run (finished, failed,
   * released, landed …) · `lose` the job was taken away (reaper, a person, a switch).
   */
  readonly op: 'claim' | 'renew' | 'complete' | 'lose';
  readonly jobId: string;
  readonly epoch: number;
  /** Milliseconds on one clock for all entries. */
  readonly invokedAt: number;
  /** When the answer was there; Infinity when none ever came. */
  readonly returnedAt: number;
  /** `stale` it was refused with stale-epoch · `unknown` no answer, so that it may have taken effect or not */
  readonly result: 'ok' | 'stale' | 'unknown';
}

export interface HistoryViolation {
  readonly jobId: string;
  readonly epoch: number;
  /** What can never be, in words. */
  readonly message: string;
}

export interface HistoryOptions {
  /** The entries hold every `lose` there was: then a live lease that was refused, or claimed away, shows too. */
  readonly losesAreKnown?: boolean;
  /** How long a granted renewal keeps the reaper away (ms); the clocks of its host and of the renewal's may differ. */
  readonly grantedMs?: number;
}

/** All contradictions in a history; none when every job could have been a single register that they took turns at. */
export function checkHistory(
  entries: readonly HistoryEntry[],
  options: HistoryOptions = {},
): HistoryViolation[] {
  const jobs = new Map<string, HistoryEntry[]>();
  for (const entry of entries) {
    const known = jobs.get(entry.jobId);
    if (known) known.push(entry);
    else jobs.set(entry.jobId, [entry]);
  }
  return [...jobs.values()].flatMap((job) => checkJob(job, options));
}

function checkJob(
  entries: readonly HistoryEntry[],
  { losesAreKnown, grantedMs }: HistoryOptions,
): HistoryViolation[] {
  const found: HistoryViolation[] = [];
  const tell = ({ jobId, epoch }: HistoryEntry, message: string): void => {
    found.push({ jobId, epoch, message: `${jobId} epoch ${epoch}: ${message}` });
  };
  const ok = entries.filter(({ result }) => result === 'ok');
  checkHolders(ok, tell);
  checkOrder(entries, ok, tell);
  checkEnds(entries, ok, tell);
  if (losesAreKnown) checkReasons(entries, ok, tell);
  if (grantedMs !== undefined) checkGrants(ok, grantedMs, tell);
  return found;
}

type Tell = (entry: HistoryEntry, message: string) => void;

/** One claim an epoch, and everything else in it by whoever claimed it. */
function checkHolders(ok: readonly HistoryEntry[], tell: Tell): void {
  const holders = new Map<number, string>();
  const claimed = new Set<number>();
  for (const entry of ok) {
    if (entry.op === 'lose') continue;
    const { epoch, actor, op } = entry;
    const holder = holders.get(epoch) ?? actor;
    if (op === 'claim' && claimed.has(epoch)) tell(entry, `claimed twice, also by ${holder}`);
    else if (holder !== actor) tell(entry, `${op} was granted to ${actor}, but ${holder} has this epoch`);
    if (op === 'claim') claimed.add(epoch);
    holders.set(epoch, holder);
  }
}

/** Nothing of an epoch is granted after something of a later one was. */
function checkOrder(entries: readonly HistoryEntry[], ok: readonly HistoryEntry[], tell: Tell): void {
  const later = ok.filter(({ op }) => op !== 'lose');
  for (const entry of ok) {
    if (entry.op === 'lose' || isRepeat(entry, entries)) continue;
    const over = later.find(
      (other) => other.epoch > entry.epoch && other.returnedAt < entry.invokedAt && other.op !== 'complete',
    );
    if (over)
      tell(
        entry,
        `${entry.op} of ${entry.actor} was granted after ${over.actor} had epoch ${over.epoch} (${over.op})`,
      );
  }
}

/** What is over stays over. */
function checkEnds(entries: readonly HistoryEntry[], ok: readonly HistoryEntry[], tell: Tell): void {
  for (const entry of ok) {
    if (entry.op === 'claim' || entry.op === 'lose' || isRepeat(entry, entries)) continue;
    const end = entries.find(
      (other) =>
        other.epoch === entry.epoch &&
        other.returnedAt < entry.invokedAt &&
        ((other.result === 'ok' && (other.op === 'lose' || other.op === 'complete')) ||
          (other.result === 'stale' && other.actor === entry.actor)),
    );
    if (end)
      tell(entry, `${entry.op} was granted after ${end.op} by ${end.actor} was answered ${end.result}`);
  }
}

/** With every loss known: a live lease is neither refused nor claimed away. */
function checkReasons(entries: readonly HistoryEntry[], ok: readonly HistoryEntry[], tell: Tell): void {
  const endedBefore = (epoch: number, at: number): boolean =>
    entries.some(
      ({ op, result, epoch: other, invokedAt }) =>
        other === epoch && (op === 'lose' || op === 'complete') && result !== 'stale' && invokedAt <= at,
    );
  for (const claim of ok) {
    if (claim.op !== 'claim' || claim.epoch === 1) continue;
    if (!endedBefore(claim.epoch - 1, claim.returnedAt))
      tell(claim, `was claimed while nothing had ended epoch ${claim.epoch - 1}`);
  }
  for (const refused of entries) {
    if (refused.result !== 'stale' || refused.op === 'lose' || refused.op === 'claim') continue;
    const mine = ok.some(
      ({ op, epoch, actor, returnedAt }) =>
        op === 'claim' &&
        epoch === refused.epoch &&
        actor === refused.actor &&
        returnedAt <= refused.invokedAt,
    );
    if (mine && !endedBefore(refused.epoch, refused.returnedAt))
      tell(refused, `${refused.op} of its live holder ${refused.actor} was refused`);
  }
}

/** What a renewal granted is kept: its holder counts on it from the moment that it asked. */
function checkGrants(ok: readonly HistoryEntry[], grantedMs: number, tell: Tell): void {
  for (const loss of ok) {
    if (loss.op !== 'lose' || loss.actor !== REAPER) continue;
    const granted = ok.find(
      ({ op, epoch, invokedAt, returnedAt }) =>
        op === 'renew' &&
        epoch === loss.epoch &&
        returnedAt <= loss.invokedAt &&
        loss.invokedAt < invokedAt + grantedMs,
    );
    if (granted)
      tell(
        loss,
        `was taken from ${granted.actor} ${loss.invokedAt - granted.invokedAt} ms after the renewal that it was granted`,
      );
  }
}

/** The same end told again, because its first answer was lost or slow: granting it changes nothing. */
const isRepeat = (entry: HistoryEntry, entries: readonly HistoryEntry[]): boolean =>
  entry.op === 'complete' &&
  entries.some(
    (other) =>
      other !== entry &&
      other.op === 'complete' &&
      other.epoch === entry.epoch &&
      other.actor === entry.actor &&
      other.result !== 'stale' &&
      other.invokedAt <= entry.invokedAt,
  );
