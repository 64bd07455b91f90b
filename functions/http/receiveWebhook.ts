import { route } from '../lib/route.js';
import { receiveWebhook } from '../operations/receiveWebhook.js';

export const handler = route('receiveWebhook', ({ deps, caller, input, request }) =>
  receiveWebhook(deps, caller, {
    ...input,
    headers: {
      signature: request.headers.get('x-hub-signature-256') ?? undefined,
      event: request.headers.get('x-github-event') ?? undefined,
      deliveryId: request.headers.get('x-github-delivery') ?? undefined,
    },
  }),
);
