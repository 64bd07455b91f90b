// The app's queue functions: messages of a queue, in the order of their session, each handed to a living host until it
// is done with it.
import { ingestTrackerItem } from '../../functions/operations/ingestTrackerItem.js';
import type { Deps } from '../../functions/operations/deps.js';
import { postToTracker } from '../../functions/operations/postToTracker.js';
import type { MessageLock, SessionLock } from '../../local/servicebus/locks.js';
import type { Queue } from '../../local/servicebus/queue.js';
import { TrackerDeliverySchema, TrackerPostSchema } from '../../shared/contract/messages.js';
import { TRACKER_INBOX, TRACKER_OUTBOX } from '../../shared/topology.js';
import type { SimBus } from './bus.js';
import type { Hosts } from './hosts.js';
import type { Random } from './random.js';
import type { SimTime } from './time.js';
import type { Weather } from './weather.js';

/** The platform renews the lock of what is in work this often (ms). */
const RENEW_MS = 10_000;
/** A session without messages is left after so long (ms). */
const SESSION_IDLE_MS = 1000;
/** Messages of one queue that are in work at once. */
const CONCURRENCY = 2;

interface TriggerWorld {
  readonly time: SimTime;
  readonly random: Random;
  readonly weather: Weather;
  readonly bus: SimBus;
  readonly hosts: Hosts;
}

type Work = (deps: Deps, body: unknown) => Promise<void>;

export function startQueueFunctions(world: TriggerWorld): void {
  const functions: [string, Work][] = [
    [TRACKER_INBOX, (deps, body) => ingestTrackerItem(deps, TrackerDeliverySchema.parse(body))],
    [TRACKER_OUTBOX, (deps, body) => postToTracker(deps, TrackerPostSchema.parse(body))],
  ];
  for (const [name, work] of functions) {
    const queue = world.bus.engine.queue(name);
    for (let at = 0; at < CONCURRENCY; at += 1)
      void (queue.sessions ? sessions(world, queue, work) : messages(world, queue, work));
  }
}

async function messages(world: TriggerWorld, queue: Queue, work: Work): Promise<void> {
  for (;;) {
    await connected(world);
    const lock = await new Promise<MessageLock>((resolve) => {
      const receiver = queue.openReceiver('peekLock', (_message, one) => {
        queue.closeReceiver(receiver);
        if (one) resolve(one);
      });
      queue.demand(receiver, 1);
    });
    await handle(world, queue, lock, work, () => queue.renewLock(lock.token));
  }
}

async function sessions(world: TriggerWorld, queue: Queue, work: Work): Promise<void> {
  const { time } = world;
  for (;;) {
    await connected(world);
    const session = await new Promise<SessionLock>((resolve) => {
      queue.sessions?.acceptNext('functions', resolve, () => {});
    });
    for (let isLeft = false; !isLeft && !session.released;) {
      const lock = await new Promise<MessageLock | undefined>((resolve) => {
        const receiver = queue.openReceiver('peekLock', (_message, one) => resolve(one), session);
        queue.demand(receiver, 1);
        time.after(SESSION_IDLE_MS, () => {
          queue.closeReceiver(receiver);
          resolve(undefined);
        });
      });
      const done = lock && (await handle(world, queue, lock, work, () => queue.sessions?.renew(session)));
      isLeft = done !== true;
      // The session of a host that died stays locked until its time is up.
      if (isLeft && done !== 'died' && !session.released) queue.sessions?.close(session);
    }
  }
}

/** Nothing is received while the bus is away. */
async function connected({ time, weather }: TriggerWorld): Promise<void> {
  while (weather.lasts('busOutage')) await time.sleep(1000);
}

/** @returns true when it is done, false when it comes again, `died` when its host did */
async function handle(
  { time, random, weather, hosts }: TriggerWorld,
  queue: Queue,
  lock: MessageLock,
  work: Work,
  renew: () => void,
): Promise<boolean | 'died'> {
  let isOver = false;
  const keep = (): void =>
    time.after(RENEW_MS, () => {
      if (isOver || lock.released) return;
      renew();
      keep();
    });
  keep();
  const body: unknown = JSON.parse(Buffer.from(lock.message.payload).toString('utf8'));
  const end = await hosts.work(`the queue ${queue.name}`, (deps) => work(deps, body));
  isOver = true;
  await time.sleep(random.between(1, 15));
  if (end === 'died') return 'died';
  if (lock.released) return false;
  // Over, and the bus does not hear of it.
  if (weather.lasts('busOutage') || weather.strikes('redelivery', 0.05)) return 'died';
  queue.settle(lock.token, { kind: end === 'done' ? 'complete' : 'abandon' });
  return end === 'done';
}
