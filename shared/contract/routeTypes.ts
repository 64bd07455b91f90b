/** Types of a route's input and result, inferred from the table: for the triggers, the operations and the client. */
import type { z } from 'zod';
import type { ROUTES, RouteName } from './routes.js';

type Spec<N extends RouteName> = (typeof ROUTES)[N];
type Output<S> = S extends z.ZodType ? z.output<S> : never;
type Input<S> = S extends z.ZodType ? z.input<S> : never;
type Has<N extends RouteName, K extends string, T> =
  Spec<N> extends Record<K, unknown> ? { [P in K]: T } : unknown;
type Part<N extends RouteName, K extends string> = Spec<N> extends Record<K, infer S> ? S : never;

/** What an operation gets: parsed, defaults filled in. A raw body comes as bytes. */
export type RouteInput<N extends RouteName> = Has<N, 'params', Output<Part<N, 'params'>>> &
  Has<N, 'query', Output<Part<N, 'query'>>> &
  Has<N, 'body', Part<N, 'body'> extends 'bytes' ? Uint8Array : Output<Part<N, 'body'>>>;

/** Fields as they may be left out in the input, with the types that they are parsed to. */
type Typed<S> = {
  [K in keyof Input<S>]: K extends keyof Output<S> ? Output<S>[K] : never;
};

/** What a caller gives. */
export type RouteCall<N extends RouteName> = Has<N, 'params', Output<Part<N, 'params'>>> &
  (Spec<N> extends { query: infer Q }
    ? object extends Typed<Q>
      ? { query?: Typed<Q> }
      : { query: Typed<Q> }
    : unknown) &
  Has<N, 'body', Part<N, 'body'> extends 'bytes' ? Uint8Array : Input<Part<N, 'body'>>>;

export type RouteResult<N extends RouteName> = Output<Part<N, 'result'>>;

/** Routes that answer with a stream of server-sent events. */
export type StreamRouteName = { [N in RouteName]: Part<N, 'result'> extends 'events' ? N : never }[RouteName];
export type JsonRouteName = Exclude<RouteName, StreamRouteName>;
