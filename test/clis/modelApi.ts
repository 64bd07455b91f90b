/**
 * A model behind a real HTTP API on loopback, played from a script: the Messages API (claude, copilot, opencode) and
 * the Responses API (codex), both as server-sent events. It calls the tools that the CLI offers, so what changes in
 * the worktree was changed by the CLI's own tools.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the model does with one request of the agent's main conversation. */
export type Turn =
  /** Says something and ends its turn. */
  | { readonly say: string; readonly stopReason?: string }
  /** Calls one of the tools that were offered. */
  | { readonly tool: string; readonly input: Readonly<Record<string, unknown>> | string }
  /** The API answers with an error. */
  | { readonly status: number; readonly error: string }
  /** The API takes the request and never answers. */
  | 'hang';

/** Tokens that each answer of the model tells: uncached input, cached input, output. */
export const TOKENS = { input: 100, cached: 40, output: 10 } as const;

interface Tool {
  readonly name: string;
  readonly type?: string;
}

export interface SeenRequest {
  readonly path: string;
  readonly body: { readonly tools?: readonly Tool[]; readonly model?: string } & Record<string, unknown>;
}

export class ModelApi implements AsyncDisposable {
  /** Of the main conversation: the requests that offer tools. */
  readonly requests: SeenRequest[] = [];
  /** Everything else that was asked for, as `METHOD path`. */
  readonly others: string[] = [];
  /** When it was asked for the first time (`performance.now()`). */
  askedAt: number | undefined;
  readonly url: string;
  private turns: readonly Turn[] = [];
  private later: { readonly words: string; readonly turns: readonly Turn[] } | undefined;
  private readonly server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.answer(request, response));
  }

  static async start(): Promise<ModelApi> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ModelApi(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** What the model does, one turn a request; the last one is repeated. */
  play(...turns: readonly Turn[]): void {
    this.requests.length = 0;
    this.turns = turns;
    this.later = undefined;
  }

  /** Plays the first turns until a request contains these words, and from that one on the others. */
  playUntil(turns: readonly Turn[], words: string, others: readonly Turn[]): void {
    this.play(...turns);
    this.later = { words, turns: others };
  }

  /** Names of the tools that the last request of the main conversation offered. */
  offered(): string[] {
    return (this.requests.at(-1)?.body.tools ?? []).map(({ name, type }) => name ?? type ?? '');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.askedAt ??= performance.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = (request.url ?? '').split('?')[0] ?? '';
    const speaks = path.endsWith('/messages') || path.endsWith('/responses');
    if (request.method !== 'POST' || !speaks) {
      this.others.push(`${request.method} ${path}`);
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"error":{"message":"not played"}}');
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as SeenRequest['body'];
    if (this.later && JSON.stringify(body).includes(this.later.words)) this.play(...this.later.turns);
    const side = (body.tools ?? []).length === 0;
    if (side) this.others.push(`POST ${path}`);
    else this.requests.push({ path, body });
    const turn = side
      ? ({ say: 'A title' } as const)
      : (this.turns[Math.min(this.requests.length, this.turns.length) - 1] ?? { say: 'Done.' });
    if (turn === 'hang') return;
    if ('status' in turn) {
      const error = { type: 'error', error: { type: 'api_error', message: turn.error } };
      response.writeHead(turn.status, { 'content-type': 'application/json' }).end(JSON.stringify(error));
      return;
    }
    const messages = path.endsWith('/messages');
    if (messages && body['stream'] !== true) {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(wholeMessage(turn, body)));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const number = this.requests.length;
    for (const event of messages ? messageEvents(turn, body, number) : responseEvents(turn, body, number)) {
      response.write(`event: ${event['type'] as string}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end();
  }
}

type Spoken = Exclude<Turn, 'hang' | { status: number }>;
type Json = Record<string, unknown>;

const contentOf = (turn: Spoken, number: number): Json =>
  'say' in turn
    ? { type: 'text', text: turn.say }
    : { type: 'tool_use', id: `toolu_${number}`, name: turn.tool, input: turn.input };

const stopOf = (turn: Spoken): string => ('say' in turn ? (turn.stopReason ?? 'end_turn') : 'tool_use');

const messageUsage = {
  input_tokens: TOKENS.input,
  cache_read_input_tokens: TOKENS.cached,
  cache_creation_input_tokens: 0,
  output_tokens: TOKENS.output,
};

const wholeMessage = (turn: Spoken, body: SeenRequest['body']): Json => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: body.model,
  content: [contentOf(turn, 1)],
  stop_reason: stopOf(turn),
  stop_sequence: null,
  usage: messageUsage,
});

function messageEvents(turn: Spoken, body: SeenRequest['body'], number: number): Json[] {
  const content = contentOf(turn, number);
  const delta: Json =
    'say' in turn
      ? { type: 'text_delta', text: turn.say }
      : { type: 'input_json_delta', partial_json: JSON.stringify(turn.input) };
  const start = { ...content, ...('say' in turn ? { text: '' } : { input: {} }) };
  return [
    {
      type: 'message_start',
      message: {
        ...wholeMessage(turn, body),
        id: `msg_${number}`,
        content: [],
        stop_reason: null,
        usage: { ...messageUsage, output_tokens: 1 },
      },
    },
    { type: 'content_block_start', index: 0, content_block: start },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: stopOf(turn), stop_sequence: null },
      usage: { ...messageUsage },
    },
    { type: 'message_stop' },
  ];
}

function responseEvents(turn: Spoken, body: SeenRequest['body'], number: number): Json[] {
  const item = responseItem(turn, number);
  const response = { id: `resp_${number}`, object: 'response', model: body.model, status: 'in_progress' };
  const usage = {
    // Cached tokens are part of the input here.
    input_tokens: TOKENS.input + TOKENS.cached,
    input_tokens_details: { cached_tokens: TOKENS.cached },
    output_tokens: TOKENS.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: TOKENS.input + TOKENS.cached + TOKENS.output,
  };
  return [
    { type: 'response.created', response },
    { type: 'response.output_item.added', output_index: 0, item },
    { type: 'response.output_item.done', output_index: 0, item },
    {
      type: 'response.completed',
      response: { ...response, status: 'completed', output: [item], usage },
    },
  ];
}

function responseItem(turn: Spoken, number: number): Json {
  if ('say' in turn) {
    const content = [{ type: 'output_text', text: turn.say, annotations: [] }];
    return { type: 'message', id: `msg_${number}`, role: 'assistant', status: 'completed', content };
  }
  const call = { id: `fc_${number}`, call_id: `call_${number}`, name: turn.tool, status: 'completed' };
  return typeof turn.input === 'string'
    ? { type: 'custom_tool_call', ...call, input: turn.input }
    : { type: 'function_call', ...call, arguments: JSON.stringify(turn.input) };
}
