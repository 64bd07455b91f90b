import { streamRoute } from '../lib/route.js';
import { lastEventId, serverSentEvents } from '../lib/serverSentEvents.js';
import { streamLog } from '../operations/streamLog.js';

export const handler = streamRoute('streamLog', async ({ deps, caller, input, request }) => {
  const gone = new AbortController();
  const from = lastEventId(request);
  const events = await streamLog(deps, caller, { ...input, from }, gone.signal);
  return serverSentEvents(events, gone);
});
