// Requests as they are, with no client in between that would refuse to send them.
import { Agent, request } from 'node:http';
import { connect } from 'node:net';

/** Idle connections do not keep a test's process alive. */
const agent = new Agent({ keepAlive: true });

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** One request to a port of this machine, whatever stands in it. @throws what the connection says when it is cut */
export function sendTo(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string | Buffer,
): Promise<Answer> {
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, headers: { ...headers, ...length }, agent },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }),
        );
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Bytes that need not be a request. @returns what came back until the peer hung up, or for 50 ms */
export function sendBytes(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.end(bytes);
      setTimeout(() => socket.destroy(), 50);
    });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(answer));
  });
}
