/**
 * Credentials by their looks: what must reach no queue, manifest, log, event, artifact or database. Only forms that
 * ordinary text does not take by chance, since what is found is refused or blackened without asking anybody.
 */

/** What stands in place of a secret. */
export const MASK = '[redacted]';

interface Form {
  /** For people: what kind of secret it looks like. */
  readonly kind: string;
  /** How every secret of this form begins; what follows one may be the rest of it. */
  readonly markers: readonly string[];
  readonly pattern: RegExp;
}

const FORMS: readonly Form[] = [
  { kind: 'an AWS access key id', markers: ['AKIA', 'ASIA'], pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g },
  {
    kind: 'an AWS secret key',
    markers: ['aws_secret_access_key', 'AWS_SECRET_ACCESS_KEY'],
    pattern: /aws_secret_access_key["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}/gi,
  },
  {
    kind: 'a GitHub token',
    markers: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
    pattern: /(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})/g,
  },
  { kind: 'a GitLab token', markers: ['glpat-'], pattern: /glpat-[A-Za-z0-9_-]{20,}/g },
  { kind: 'an npm token', markers: ['npm_'], pattern: /npm_[A-Za-z0-9]{36,}/g },
  {
    kind: 'an API key of a model provider',
    markers: ['sk-'],
    pattern: /\bsk-(?:ant-[A-Za-z0-9_-]{20,}|(?:proj-|svcacct-|admin-)[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{40,})/g,
  },
  { kind: 'a Google API key', markers: ['AIza'], pattern: /\bAIza[A-Za-z0-9_-]{35}/g },
  { kind: 'a Slack token', markers: ['xox'], pattern: /\bxox[abeprs]-[A-Za-z0-9-]{20,}/g },
  {
    kind: 'a Stripe key',
    markers: ['sk_live_', 'rk_live_'],
    pattern: /\b[rs]k_live_[A-Za-z0-9]{20,}/g,
  },
  {
    kind: 'an Azure connection key',
    markers: ['AccountKey=', 'SharedAccessKey='],
    pattern: /(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}/g,
  },
  {
    kind: 'an Azure shared access signature',
    markers: ['sig='],
    pattern: /\bsig=[A-Za-z0-9%+/]{40,}={0,2}/g,
  },
  {
    kind: 'an Entra client secret',
    markers: ['8Q~'],
    pattern: /[A-Za-z0-9_~.-]{0,3}8Q~[A-Za-z0-9_~.-]{31,}/g,
  },
  {
    kind: 'a JSON web token',
    markers: ['eyJ'],
    pattern: /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}/g,
  },
  {
    kind: 'an address with a password',
    markers: ['://'],
    pattern: /:\/\/[^\s:@/"'`<>]{1,100}:[^\s:@/"'`<>]{8,200}@(?!localhost|127\.0\.0\.1|example\.)/g,
  },
  {
    kind: 'a private key',
    markers: ['-----BEGIN '],
    pattern:
      /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\:,.-]{40,20000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  },
];

/** Published for use with emulators: they open nothing. */
const PUBLIC_KEYS = [
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
  'C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==',
];
/** As people write it into examples. */
const PLACEHOLDER = /(?:password|changeme|change_me|placeholder|xxxx|your[_-]|\*\*\*\*|\$\{|\$\(|\{\{)/i;

/** Every form begins like this: most text is done with after one look. */
const ANY_MARKER = new RegExp(
  FORMS.flatMap(({ markers }) => markers)
    .map((marker) => marker.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&'))
    .join('|'),
  'i',
);

/** Something that looks like a secret: where in the text, in UTF-16 units. */
export interface FoundSecret {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** What looks like a secret, in the order of the text; nothing overlaps. */
export function findSecrets(text: string): FoundSecret[] {
  if (!ANY_MARKER.test(text)) return [];
  const found = FORMS.flatMap(({ kind, pattern }) =>
    [...text.matchAll(pattern)]
      .filter(([value]) => !PUBLIC_KEYS.some((key) => value.includes(key)) && !isPlaceholder(kind, value))
      .map((match) => ({ kind, start: match.index, end: match.index + match[0].length })),
  ).toSorted((one, other) => one.start - other.start || other.end - one.end);
  const apart: FoundSecret[] = [];
  for (const one of found) if (one.start >= (apart.at(-1)?.end ?? 0)) apart.push(one);
  return apart;
}

const isPlaceholder = (kind: string, value: string): boolean =>
  kind === 'an address with a password' && PLACEHOLDER.test(value);

/** The text with a mask in place of everything that looks like a secret. */
export function redactSecrets(text: string): string {
  let clean = '';
  let from = 0;
  for (const { start, end } of findSecrets(text)) {
    clean += text.slice(from, start) + MASK;
    from = end;
  }
  return clean + text.slice(from);
}

/** A secret of a form without a limit is not longer; a private key has this many characters (8192 bits). */
const MAX_SECRET_CHARS = 8 * 1024;
/** From a marker to the end nothing that ends a secret. */
const OPEN = {
  key: /-----BEGIN (?![\s\S]*-----END [A-Z ]{0,40}-----)[A-Za-z0-9+/=\s\\:,. -]*$/,
  aws: /aws_secret_access_key["']?\s*[:=]?\s*["']?[A-Za-z0-9/+]*$/i,
  word: new RegExp(
    `(?:${['AKIA', 'ASIA', 'gh[pousr]_', 'github_pat_', 'glpat-', 'npm_', 'sk-', 'AIza', 'xox', '[rs]k_live_', 'AccountKey=', 'SharedAccessKey=', 'sig=', '8Q~', 'eyJ', ':\\/\\/'].join('|')})[^\\s"'\`<>]*$`,
  ),
};
const MARKERS = FORMS.flatMap(({ markers }) => markers);

/**
 * For text that comes in pieces: from where on it may be the beginning of a secret whose rest is still to come; the
 * text's length when nothing is.
 */
export function openSecretAt(text: string): number {
  const offset = Math.max(0, text.length - MAX_SECRET_CHARS);
  const tail = text.slice(offset);
  let open = tail.length;
  for (const pattern of Object.values(OPEN)) {
    const at = tail.search(pattern);
    // A match that is this long already will not become a secret any more.
    if (at >= 0 && (offset === 0 || at > 0)) open = Math.min(open, at);
  }
  for (const marker of MARKERS)
    for (let length = Math.min(marker.length - 1, tail.length); length > 0; length -= 1)
      if (tail.endsWith(marker.slice(0, length))) open = Math.min(open, tail.length - length);
  return offset + open;
}

/** The same value with every text in it redacted; maps and lists are walked, keys stay. */
export function redactDeep<T>(value: T): T {
  return mapTexts(value, redactSecrets) as T;
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)]));
}

/** A text within a value that holds a secret. */
export interface SecretAt {
  readonly path: readonly (string | number)[];
  readonly kind: string;
  /** Line breaks before it in its text. */
  readonly line: number;
}

/** Every secret in the texts of a value, with where it stands; never with what it is. */
export function secretsIn(value: unknown, path: readonly (string | number)[] = []): SecretAt[] {
  if (typeof value === 'string') {
    return findSecrets(value).map(({ kind, start }) => ({
      path,
      kind,
      line: value.slice(0, start).split('\n').length - 1,
    }));
  }
  if (Array.isArray(value)) return value.flatMap((item, at) => secretsIn(item, [...path, at]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => secretsIn(item, [...path, key]));
}
