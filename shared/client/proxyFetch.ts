/**
 * `fetch` through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, which Node's own leaves aside. For Node
 * alone. Certificates of NODE_EXTRA_CA_CERTS count as ever: the tunnel is opened by Node's TLS.
 */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import tls from 'node:tls';

type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };
/** These answers have no body, whatever arrives. */
const NO_BODY: readonly number[] = [101, 204, 205, 304];

const named = (env: Env, name: string): string | undefined =>
  env[name.toLowerCase()] || env[name.toUpperCase()];

/** This machine itself: a proxy would look for it on its own. */
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/i;

/**
 * The proxy for an address; undefined where it is reached directly, as this machine always is.
 * @param env upper-case and lower-case names count, the lower-case one first, as with curl
 * @throws Error for a proxy that is no http(s) URL
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const value = named(env, name) || named(env, 'all_proxy');
  if (!value || LOOPBACK.test(url.hostname) || isExcepted(url, named(env, 'no_proxy') ?? ''))
    return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Error(
      `${name.toUpperCase()} is no address of an HTTP proxy: expected such as http://proxy.acme.io:8080`,
    );
  return new URL(text);
}

/** `*`, a host, a domain with all below it (with or without a dot in front), each with or without a port. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const own = port || DEFAULT_PORT[protocol];
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', only] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
      const domain = (entry.split(':').length > 2 ? entry.toLowerCase() : name).replace(/^\*?\./, '');
      if (only !== undefined && entry.split(':').length === 2 && only !== own) return false;
      return host === domain || host.endsWith(`.${domain}`);
    });
}

/** As `fetch` for what the product sends: text or bytes out, anything back. Without a proxy for the address Node's own. */
export function proxyFetch(env: Env, direct: typeof fetch = fetch): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const proxy = proxyFor(url, env);
    if (proxy === undefined || input instanceof Request) return direct(input, init);
    try {
      return await throughProxy(url, proxy, init ?? {});
    } catch (cause) {
      if (init?.signal?.aborted) throw cause;
      // As Node's own says it: the reason is in the cause.
      throw new TypeError(`fetch failed through the proxy ${proxy.host}`, { cause });
    }
  };
}

async function throughProxy(url: URL, proxy: URL, init: RequestInit): Promise<Response> {
  const { method = 'GET', signal } = init;
  const isForm = init.body instanceof URLSearchParams;
  const body = init.body instanceof URLSearchParams ? init.body.toString() : init.body;
  if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array))
    throw new Error('only text, forms and bytes are sent through a proxy');
  const headers: Record<string, string> = {
    ...(isForm && { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }),
    ...Object.fromEntries(new Headers(init.headers ?? {})),
  };
  const options = { method, headers, ...(signal ? { signal } : {}) };
  // Without an agent: its pool would open a connection of its own.
  const request =
    url.protocol === 'https:'
      ? https.request(url, { ...options, createConnection: await tunnel(url, proxy, signal) })
      : (proxy.protocol === 'https:' ? https : http).request(proxy, {
          ...options,
          path: url.href,
          headers: { ...headers, host: url.host, ...authorization(proxy) },
        });
  request.end(body ?? undefined);
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  const status = answer.statusCode ?? 502;
  const pairs = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  if (NO_BODY.includes(status)) answer.resume();
  return new Response(NO_BODY.includes(status) ? null : (Readable.toWeb(answer) as ReadableStream), {
    status,
    headers: pairs,
  });
}

/** A TLS connection to the address, through a CONNECT of the proxy. */
async function tunnel(
  { hostname, port }: URL,
  proxy: URL,
  signal: RequestInit['signal'],
): Promise<() => tls.TLSSocket> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const authority = `${hostname}:${port || '443'}`;
  const connect = (proxy.protocol === 'https:' ? https : http).request(proxy, {
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    agent: false,
    ...(signal ? { signal } : {}),
  });
  connect.end();
  const [answer, socket] = (await once(connect, 'connect')) as [
    http.IncomingMessage,
    import('node:net').Socket,
  ];
  if (answer.statusCode !== 200) {
    socket.destroy();
    throw new Error(
      `the proxy ${proxy.host} does not connect to ${authority}: ${answer.statusCode} ${answer.statusMessage}`,
    );
  }
  return () =>
    tls.connect({ socket, host, ...(/[a-z]/i.test(host) && !host.includes(':') && { servername: host }) });
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
