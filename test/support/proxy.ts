/** Proxies and TLS in front of servers of a test. */
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';

export const listen = async (server: net.Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

/**
 * A proxy that leads every CONNECT to a port of this machine, and plain requests too where ports are told by host; else
 * it answers those itself.
 * @param password of `ann`, where it asks for one
 */
export async function proxyTo(target: number | ((host: string) => number), password = '') {
  const portFor = (host: string): number => (typeof target === 'number' ? target : target(host));
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const isKnown = ({ headers }: http.IncomingMessage): boolean =>
    password === '' ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`;
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (typeof target === 'function') return forward(request, response, portFor);
    response.writeHead(isKnown(request) ? 200 : 407, { 'set-cookie': ['a=1', 'b=2'] }).end('from the proxy');
  });
  server.on('connect', (request, near: net.Socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (!isKnown(request)) return void near.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const far = net.connect(portFor(new URL(`https://${request.url}`).hostname), '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    for (const socket of [near, far]) {
      socket.on('error', () => {});
      sockets.add(socket);
    }
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** TLS in front of a plain port. */
export async function tlsBefore(plain: number, { key, cert }: { key: string; cert: string }) {
  const server = tls.createServer({ key, cert }, (near) => {
    const far = net.connect(plain, '127.0.0.1');
    near.on('error', () => {});
    far.on('error', () => {});
    near.pipe(far).pipe(near);
  });
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  return {
    port,
    [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))),
  };
}

function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  portFor: (host: string) => number,
): void {
  const { hostname, pathname, search } = new URL(request.url ?? '');
  const { method, headers } = request;
  const options = { host: '127.0.0.1', port: portFor(hostname), path: pathname + search, method, headers };
  const far = http.request(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  far.on('error', () => response.writeHead(502).end());
  request.pipe(far);
}
