/** A job file in its usual shape: fields in the order of the schema, one spelling of YAML, comments kept. */
import { isMap, isScalar, parseDocument } from 'yaml';
import { ManifestSchema } from '../shared/contract/manifest.js';

const FRONT_MATTER = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;
const MAX_LINE = 100;

const ORDER = Object.keys(ManifestSchema.shape);
const placeOf = (field: string): number => {
  const place = ORDER.indexOf(field);
  return place === -1 ? ORDER.length : place;
};

/** @param text a valid manifest: front matter above a prompt, JSON, or a bare prompt */
export function formatManifest(text: string): string {
  if (text.trimStart().startsWith('{')) return formatJson(text);
  const match = FRONT_MATTER.exec(text);
  const [all, yaml] = match ?? [];
  if (all === undefined || yaml === undefined) return withOneEnd(text);
  const document = parseDocument(yaml);
  if (isMap(document.contents))
    document.contents.items.sort((one, other) => placeOf(nameOf(one.key)) - placeOf(nameOf(other.key)));
  const front = document.toString({ lineWidth: MAX_LINE, flowCollectionPadding: false }).trimEnd();
  return `---\n${front}\n---\n${withOneEnd(text.slice(all.length))}`;
}

function formatJson(text: string): string {
  const fields = Object.entries(JSON.parse(text) as Record<string, unknown>);
  fields.sort(([one], [other]) => placeOf(one) - placeOf(other));
  return `${JSON.stringify(Object.fromEntries(fields), undefined, 2)}\n`;
}

const nameOf = (key: unknown): string => (isScalar(key) ? String(key.value) : '');

const withOneEnd = (text: string): string => `${text.trimEnd()}\n`;
