import type { HttpRequest } from '@azure/functions';
import { AppError } from '../../shared/errors.js';
import type { LogEvent } from '../operations/streamLog.js';

/** The offset that the caller has got to already: the id of the last event, as browsers send it again. */
export function lastEventId(request: HttpRequest): number {
  const value = request.headers.get('last-event-id') ?? '0';
  const offset = Number(value);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new AppError('invalid-request', 'Last-Event-ID is no offset', {
    problems: [{ path: 'Last-Event-ID', message: `"${value}" is no offset`, expected: 'a number of bytes' }],
  });
}

/** Events of a log on the wire. `gone` is aborted when the reader stops, so that nothing waits on for them. */
export async function* serverSentEvents(
  events: AsyncIterable<LogEvent>,
  gone: AbortController,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  try {
    // Sends the headers on their way, however long the log stays empty.
    yield encoder.encode(': log\n\n');
    for await (const event of events) yield encoder.encode(wire(event));
  } finally {
    gone.abort();
  }
}

function wire(event: LogEvent): string {
  switch (event.kind) {
    case 'text':
      return `id: ${event.offset}\ndata: ${JSON.stringify({ offset: event.offset, text: event.text })}\n\n`;
    case 'heartbeat':
      return ': still there\n\n';
    case 'end':
      return `id: ${event.offset}\nevent: end\ndata: {}\n\n`;
  }
}
