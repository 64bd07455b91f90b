/** What a fact looks like in the run's log, for people. */
import type { Fact } from './facts.js';

/** Of a tool's input and of its answer (characters); the change itself is in the diff. */
const MAX_INPUT_CHARS = 300;
const MAX_ANSWER_CHARS = 2000;

const clip = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars)} …`;

/** Nothing, or a line or more with its end. */
export function logLine(fact: Fact): string {
  switch (fact.kind) {
    case 'said':
      return fact.text.trim() === '' ? '' : `${fact.text.trim()}\n`;
    case 'tool':
      return `> ${fact.name} ${clip(inputText(fact.input), MAX_INPUT_CHARS)}\n`;
    case 'answer':
      return fact.text.trim() === ''
        ? ''
        : `${clip(fact.text.trim(), MAX_ANSWER_CHARS).replaceAll(/^/gm, '  ')}\n`;
    case 'model':
      return `[engine] model ${fact.model}\n`;
    case 'warning':
      return `[engine] ${fact.message}\n`;
    case 'failure':
      return `[engine] failed: ${fact.message}\n`;
    case 'session':
      return `[engine] session ${fact.id}\n`;
    case 'done':
    case 'step':
    case 'total':
      return '';
  }
}

/** A command as it is typed, anything else as JSON. */
function inputText(input: unknown): string {
  if (typeof input === 'string') return input;
  const values = typeof input === 'object' && input !== null ? Object.entries(input) : [];
  const [only] = values;
  if (values.length === 1 && only && typeof only[1] === 'string') return only[1];
  return JSON.stringify(input) ?? '';
}
