/** Front matter: YAML with the positions of its parts, without what a manifest has no use for. */
import { Lexer, Parser, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import { complaintOf, type YamlComplaint } from './yamlErrors.js';

export type YamlResult =
  | {
      kind: 'ok';
      value: unknown;
      /** Where the value at a path starts, or its key; the nearest enclosing part for what is not there. */
      offsetOf: (path: readonly PropertyKey[], part: 'key' | 'value') => number;
    }
  | { kind: 'invalid'; complaints: YamlComplaint[] };

/** A broken text makes the parser complain at every character that follows. */
const MAX_COMPLAINTS = 20;
/** A manifest needs four levels; the parser counts two for each. */
const MAX_DEPTH = 24;

export function readYamlText(text: string): YamlResult {
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    const message = `the fields are nested deeper than ${MAX_DEPTH} levels`;
    return { kind: 'invalid', complaints: [{ path: '', message, offset: deep }] };
  }
  const doc = parseDocument(text, {
    prettyErrors: false,
    // The parser's own check compares every key with every other one; `refused` does it in one pass.
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const complaints = [...[...doc.errors, ...doc.warnings].map(complaintOf), ...refused(doc)];
  if (complaints.length > 0) return { kind: 'invalid', complaints: complaints.slice(0, MAX_COMPLAINTS) };
  const value: unknown = doc.toJS();
  return { kind: 'ok', value, offsetOf: (path, part) => offsetOf(doc.contents, path, part) };
}

/**
 * Where the text exceeds the depth, if it does. Composing recurses (a stack overflow in it can take the whole process
 * along), the parser below it does not.
 */
function tooDeepAt(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) continue;
    if (parser.stack.length > MAX_DEPTH) return parser.offset;
  }
  return undefined;
}

/** What YAML allows and a manifest does not: aliases (a few lines could unfold to gigabytes) and repeated keys. */
function refused(doc: Document.Parsed): YamlComplaint[] {
  const complaints: YamlComplaint[] = [];
  visit(doc, {
    Alias: (_, node) => {
      complaints.push({
        path: '',
        message: `the alias *${node.source} is not read here`,
        expected: 'the value itself',
        offset: node.range?.[0] ?? 0,
      });
    },
    Map: (_, node) => {
      const seen = new Set<unknown>();
      for (const { key } of node.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name))
          complaints.push({
            path: name,
            message: `the field ${name} stands here for the second time`,
            offset: key.range?.[0] ?? 0,
          });
        seen.add(name);
      }
    },
  });
  return complaints;
}

function offsetOf(root: Node | null, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      if (pair === undefined) break;
      const wantsKey = part === 'key' && depth === path.length - 1;
      offset = startOf(wantsKey ? pair.key : (pair.value ?? pair.key)) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

const startOf = (node: unknown): number | undefined =>
  isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
