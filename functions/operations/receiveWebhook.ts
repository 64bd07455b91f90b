import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TrackerDelivery } from '../../shared/contract/messages.js';
import { AppError } from '../../shared/errors.js';
import { redactDeep } from '../../shared/rules/secrets.js';
import { TRACKER_INBOX } from '../../shared/topology.js';
import type { Caller } from './caller.js';
import type { Deps } from './deps.js';
import { findProduct } from './products.js';

/** Headers as GitHub sends them, in lower case. */
export interface WebhookHeaders {
  readonly signature: string | undefined;
  readonly event: string | undefined;
  readonly deliveryId: string | undefined;
}

/** Events that can become a job; the rest is accepted and forgotten. */
const INTERESTING = 'issues';
/** A message id has at most 128 characters, and a later try adds to it; GitHub's delivery ids have 36. */
const MAX_ID_CHARS = 120;

/**
 * Takes a webhook in: checks the signature over the raw bytes and puts it into the inbox, under the delivery's id,
 * so that the queue drops a replay. Answered fast; the work is done from the queue.
 * @throws AppError bad-signature (also for a product or secret that is not there: a stranger learns nothing)
 */
export async function receiveWebhook(
  deps: Deps,
  _caller: Caller,
  input: { params: { productId: string }; body: Uint8Array; headers: WebhookHeaders },
): Promise<{ accepted: boolean; reason?: string }> {
  const { params, body, headers } = input;
  await requireSignature(deps, params.productId, body, headers.signature);
  const { event, deliveryId } = headers;
  if (event === undefined || deliveryId === undefined)
    throw new AppError('invalid-request', 'X-GitHub-Event and X-GitHub-Delivery are missing');
  if (event === 'ping') return { accepted: true, reason: 'pong' };
  if (event !== INTERESTING) return { accepted: false, reason: `events of kind ${event} make no jobs` };

  const message: TrackerDelivery = {
    delivery: {
      tracker: 'github',
      productId: params.productId,
      deliveryId,
      event,
      // Whoever files an item may paste anything; the queue and the job get it without.
      payload: redactDeep(parse(body)),
      attempt: 0,
    },
  };
  await deps.bus.send(TRACKER_INBOX, { body: message, messageId: deliveryId.slice(0, MAX_ID_CHARS) });
  return { accepted: true };
}

async function requireSignature(
  deps: Deps,
  productId: string,
  body: Uint8Array,
  signature: string | undefined,
): Promise<void> {
  const refused = new AppError('bad-signature', 'X-Hub-Signature-256 does not match');
  const tracker = (await findProduct(deps, productId))?.tracker;
  const secret = tracker && deps.settings.secret(tracker.webhookSecretSetting);
  if (tracker && !secret)
    deps.log('error', 'the webhook secret is not set', { productId, setting: tracker.webhookSecretSetting });
  if (!secret || signature === undefined) throw refused;
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refused;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new AppError(
      'invalid-request',
      'the body is not JSON; set the content type to application/json',
      {},
      { cause },
    );
  }
}
