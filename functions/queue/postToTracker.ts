import { TrackerPostSchema } from '../../shared/contract/messages.js';
import { TRACKER_OUTBOX } from '../../shared/topology.js';
import { queueFunction } from '../lib/message.js';
import { postToTracker } from '../operations/postToTracker.js';

export const handler = queueFunction(
  'postToTracker',
  { queueName: TRACKER_OUTBOX, isSessionsEnabled: true },
  TrackerPostSchema,
  postToTracker,
);
