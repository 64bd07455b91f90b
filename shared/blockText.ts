/** What keeps a job from a factory, in words: one text for the console and `aq`. */
import { count } from './contract/count.js';
import type { Block } from './contract/explanation.js';
import { assertExhaustive } from './errors.js';

/**
 * One reason, without its subject: "lacks node>=20".
 * @param clock how a time is told there; takes an ISO time
 */
export function blockText(block: Block, clock: (time: string) => string): string {
  switch (block.kind) {
    case 'capability':
      return `lacks ${block.missing.join(', ')}`;
    case 'target':
      return `the job is meant for ${block.factoryId}`;
    case 'lock':
      return `${block.heldBy} holds the lock ${block.key}`;
    case 'backoff':
      return `waits for its retry at ${clock(block.until)}`;
    case 'switch':
      return `${block.scope} is halted: ${block.reason}`;
    case 'paused':
      return `${block.productId} is paused: ${block.reason}`;
    case 'product':
      return `does not work for ${block.productId}`;
    case 'status':
      return block.status === 'offline' ? 'is offline' : 'is draining and takes no more work';
    case 'stations':
      return `all its stations are busy (${block.running} of ${block.stations})`;
    case 'warm':
      return `kept for ${block.factoryId}, which has the repository, until ${clock(block.until)}`;
    case 'reserved':
      return `keeps its stations for ${count(block.waiting, 'job')} waiting in pool ${block.pool}`;
    case 'budget':
      return `the ${block.window}'s budget has $${Math.max(0, block.leftUsd).toFixed(2)} left`;
    default:
      return assertExhaustive(block);
  }
}
