import { TrackerDeliverySchema } from '../../shared/contract/messages.js';
import { TRACKER_INBOX } from '../../shared/topology.js';
import { queueFunction } from '../lib/message.js';
import { ingestTrackerItem } from '../operations/ingestTrackerItem.js';

export const handler = queueFunction(
  'ingestTrackerItem',
  { queueName: TRACKER_INBOX, isSessionsEnabled: false },
  TrackerDeliverySchema,
  ingestTrackerItem,
);
