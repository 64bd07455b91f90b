/** What an engine's event stream says, in one language for all engines. */
import type { TokenCounts } from './tokens.js';

/** One JSON object of a stream, of which nothing is taken for granted. */
export type StreamEvent = Readonly<Record<string, unknown>>;

export interface ModelUsage {
  readonly model?: string | undefined;
  readonly tokens: TokenCounts;
  /** As the engine itself tells it. */
  readonly usd?: number | undefined;
}

export type Fact =
  /** By this name the conversation can be resumed. */
  | { readonly kind: 'session'; readonly id: string }
  /** The model that answers from here on. */
  | { readonly kind: 'model'; readonly model: string }
  /** The agent said something. */
  | { readonly kind: 'said'; readonly text: string }
  /** It uses a tool. */
  | { readonly kind: 'tool'; readonly name: string; readonly input: unknown }
  /** What a tool answered. */
  | { readonly kind: 'answer'; readonly text: string }
  /** A figure of one answer of the model; told again under the same key it counts once. `rough`: not the last word. */
  | ({ readonly kind: 'step'; readonly key: string; readonly rough?: boolean } & ModelUsage)
  /** The figures of the whole process; `ofSession` when earlier processes of the session are in them. */
  | { readonly kind: 'total'; readonly models: readonly ModelUsage[]; readonly ofSession?: boolean }
  /** Worth a line in the log, and no more. */
  | { readonly kind: 'warning'; readonly message: string }
  /** The engine says that it ended well. */
  | { readonly kind: 'done' }
  /** The engine says that it failed, whatever its exit code. */
  | { readonly kind: 'failure'; readonly message: string; readonly trouble: Trouble };

/** What kind of failure it is decides what is tried next. */
export type Trouble =
  /** The provider does not take the credential. */
  | 'login'
  /** The model will not do it. */
  | 'refusal'
  /** The conversation itself is the problem (too long, damaged, missing): resuming it fails again. */
  | 'poisoned'
  /** The provider is overloaded or away: may pass. */
  | 'transient'
  | 'other';

/** The trouble that an HTTP status or the words of an error stand for. */
export function troubleOf(message: string, status?: unknown): Trouble {
  if (status === 401 || status === 403 || LOGIN.test(message)) return 'login';
  if (REFUSAL.test(message)) return 'refusal';
  if (POISONED.test(message)) return 'poisoned';
  if (status === 429 || (typeof status === 'number' && status >= 500) || TRANSIENT.test(message))
    return 'transient';
  return 'other';
}

const LOGIN =
  /\b40[13]\b.*(unauthori[sz]ed|forbidden|key|token)|not logged in|please (run )?\/?log ?in|invalid (api key|x-api-key)|authentication.?(failed|error)|no authentication|not authenticated|incorrect api key/i;
const REFUSAL = /usage policy|content.?filter|refus(ed|al)\b|violates? our/i;
const POISONED =
  /prompt is too long|context.?(window|length|overflow)|too many tokens|no (conversation|session|rollout)[^.]* (found|matched)|session not found|session id .* already in use|tool_use.*without.*tool_result|could not reduce it/i;
const TRANSIENT =
  /overloaded|rate.?limit|high demand|timed? ?out|\b(429|50[0-9]|529)\b|econn(reset|refused)|socket|stream (disconnected|closed)|connection (error|failed|closed)|temporar/i;

export const record = (value: unknown): StreamEvent =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as StreamEvent) : {};
export const list = (value: unknown): readonly StreamEvent[] =>
  Array.isArray(value) ? value.map(record) : [];
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
