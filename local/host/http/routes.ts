// ASP.NET route templates: `jobs/{id:int}`, `{lang?}`, `{page=1}`, `v{major}.{minor}`, `{*rest}`. Matching
// ignores case; of several matches the most specific wins, segment by segment: literal, mixed, constrained,
// free, catch-all.

export interface Route<T> {
  target: T;
  methods: readonly string[];
  pattern: RegExp;
  parameters: Parameter[];
  /** One rank a segment, smaller is more specific. */
  precedence: number[];
}

interface Parameter {
  name: string;
  fallback: string | undefined;
  checks: ((value: string) => boolean)[];
}

/** .NET names of the constraints and what they accept. */
const CONSTRAINTS: Record<string, (argument: string) => (value: string) => boolean> = {
  int: () => (value) => /^-?\d+$/.test(value) && Math.abs(Number(value)) <= 2 ** 31,
  long: () => (value) => /^-?\d+$/.test(value),
  bool: () => (value) => /^(true|false)$/i.test(value),
  guid: () => (value) => /^\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?$/i.test(value),
  alpha: () => (value) => /^[a-z]*$/i.test(value),
  decimal: () => (value) => Number.isFinite(Number(value)),
  double: () => (value) => Number.isFinite(Number(value)),
  float: () => (value) => Number.isFinite(Number(value)),
  datetime: () => (value) => !Number.isNaN(Date.parse(value)),
  required: () => (value) => value !== '',
  min: (least) => (value) => Number(value) >= Number(least),
  max: (most) => (value) => Number(value) <= Number(most),
  range: (argument) => {
    const [least, most] = argument.split(',').map(Number);
    return (value) => Number(value) >= (least ?? 0) && Number(value) <= (most ?? 0);
  },
  minlength: (least) => (value) => value.length >= Number(least),
  maxlength: (most) => (value) => value.length <= Number(most),
  length: (argument) => {
    const [least, most] = argument.split(',').map(Number);
    return (value) => value.length >= (least ?? 0) && value.length <= (most ?? least ?? 0);
  },
  regex: (source) => {
    // A template doubles the braces that belong to the expression.
    const pattern = new RegExp(source.replaceAll('{{', '{').replaceAll('}}', '}'), 'i');
    return (value) => pattern.test(value);
  },
};

const RANK = { literal: 1, mixed: 2, constrained: 3, free: 4, constrainedCatchAll: 5, catchAll: 6 } as const;

/** @throws Error for a template or a constraint that ASP.NET would refuse, or that this host lacks */
export function parseRoute<T>(template: string, methods: readonly string[], target: T): Route<T> {
  const parameters: Parameter[] = [];
  const precedence: number[] = [];
  let source = '^';
  for (const segment of splitSegments(template)) {
    const parts = [...segment.matchAll(/\{((?:[^{}]|\{\{|\}\}|\{[^{}]*\})*)\}|[^{}]+/g)];
    if (parts.map(([part]) => part).join('') !== segment)
      throw new Error(`Route "${template}": the braces of "${segment}" do not match.`);
    const only = parts.length === 1 ? parts[0]?.[1] : undefined;
    if (only === undefined) {
      const body = parts.map(([literal, inner]) => {
        if (inner === undefined) return escapeRegExp(literal);
        parameters.push(parseParameter(inner, template).parameter);
        return '([^/]+?)';
      });
      precedence.push(parts.length === 1 ? RANK.literal : RANK.mixed);
      source += `/${body.join('')}`;
      continue;
    }
    const { parameter, catchAll, optional } = parseParameter(only, template);
    const constrained = parameter.checks.length > 0;
    parameters.push(parameter);
    if (catchAll) {
      precedence.push(constrained ? RANK.constrainedCatchAll : RANK.catchAll);
      source += '(?:/(.*))?';
    } else {
      precedence.push(constrained ? RANK.constrained : RANK.free);
      source += optional || parameter.fallback !== undefined ? '(?:/([^/]+))?' : '/([^/]+)';
    }
  }
  const names = parameters.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new Error(`Route "${template}": the parameter "${twice}" appears twice.`);
  return { target, methods, pattern: new RegExp(`${source}/?$`, 'i'), parameters, precedence };
}

/**
 * @param path as in the request line, without the query
 * @returns the most specific route of that method with its decoded parameters, or undefined
 */
export function matchRoute<T>(
  routes: readonly Route<T>[],
  method: string,
  path: string,
): { target: T; params: Record<string, string> } | undefined {
  for (const route of routes) {
    if (!route.methods.includes(method)) continue;
    const match = route.pattern.exec(path);
    const params = match && readParameters(route, match);
    if (params) return { target: route.target, params };
  }
  return undefined;
}

/** Most specific first, so that the first match is the one. */
export function orderRoutes<T>(routes: readonly Route<T>[]): Route<T>[] {
  return routes.toSorted((a, b) => {
    const length = Math.max(a.precedence.length, b.precedence.length);
    for (let i = 0; i < length; i++) {
      const difference = (a.precedence[i] ?? 0) - (b.precedence[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

function readParameters<T>(route: Route<T>, match: RegExpExecArray): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, { name, fallback, checks }] of route.parameters.entries()) {
    const raw = match[index + 1];
    const value = raw === undefined ? fallback : decode(raw);
    if (value === undefined) continue;
    if (!checks.every((check) => check(value))) return undefined;
    params[name] = value;
  }
  return params;
}

function parseParameter(
  inner: string,
  template: string,
): { parameter: Parameter; catchAll: boolean; optional: boolean } {
  const match = /^(\*{0,2})([^:=?*]+)((?::(?:[^=?(]|\((?:[^()]|\([^()]*\))*\))+)*)(\?)?(?:=(.*))?$/.exec(
    inner,
  );
  const name = match?.[2];
  if (!match || !name) throw new Error(`Route "${template}": "{${inner}}" is no parameter.`);
  const checks = splitConstraints(match[3] ?? '').map((constraint) => {
    const [, kind = '', argument = ''] = /^(\w+)(?:\((.*)\))?$/.exec(constraint) ?? [];
    const create = CONSTRAINTS[kind.toLowerCase()];
    if (!create) throw new Error(`Route "${template}": the constraint "${constraint}" is not known.`);
    return create(argument);
  });
  const optional = match[4] === '?';
  return { parameter: { name, fallback: match[5], checks }, catchAll: match[1] !== '', optional };
}

/** `:int:range(1,5)` → `int`, `range(1,5)`; a colon inside parentheses belongs to the argument. */
function splitConstraints(text: string): string[] {
  return text.match(/[^:(]+(?:\((?:[^()]|\([^()]*\))*\))?/g) ?? [];
}

/** Splits at slashes outside braces: a regex constraint may hold one. */
function splitSegments(template: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let segment = '';
  for (const character of template) {
    if (character === '{') depth++;
    if (character === '}') depth--;
    if (character === '/' && depth === 0) {
      segments.push(segment);
      segment = '';
    } else segment += character;
  }
  return [...segments, segment].filter((part) => part !== '');
}

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
