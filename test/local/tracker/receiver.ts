// What a webhook is sent to in these tests: keeps what arrives, answers what it is told to.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { vi } from 'vitest';

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  payload: {
    action: string;
    label?: { name: string };
    changes?: unknown;
    issue: { number: number; title: string; labels: { name: string }[]; html_url: string; state: string };
    repository: { full_name: string; clone_url: string; default_branch: string };
    sender: { login: string; type: string };
  };
}

export interface Receiver {
  url: string;
  received: Received[];
  /** Status of the next answers. */
  answer: number;
  /** Resolves when so many deliveries came in all. */
  until(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      received.push({ headers: request.headers, body, payload: JSON.parse(body) as Received['payload'] });
      response.writeHead(receiver.answer).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: 202,
    until: (count) =>
      vi.waitFor(
        () => {
          if (received.length < count) throw new Error(`${received.length} of ${count} deliveries came`);
        },
        { timeout: 10_000, interval: 5 },
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
