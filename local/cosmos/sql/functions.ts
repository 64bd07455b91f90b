// The scalar functions of the SQL subset. An argument of the wrong type yields undefined, as in the service.
import { equalValues, isObject, type Value } from '../json.js';

export interface SqlFunction {
  min: number;
  max: number;
  /** @param now milliseconds since the epoch, by the engine's clock */
  apply(parameters: readonly Value[], now: number): Value;
}

const of = (min: number, max: number, apply: SqlFunction['apply']): SqlFunction => ({ min, max, apply });

const typeTest = (test: (value: Value) => boolean): SqlFunction => of(1, 1, ([value]) => test(value));

/** Text against text, the third argument true to ignore case. */
const textTest = (test: (text: string, part: string) => boolean): SqlFunction =>
  of(2, 3, ([text, part, ignoreCase]) => {
    if (typeof text !== 'string' || typeof part !== 'string') return undefined;
    return ignoreCase === true ? test(text.toLowerCase(), part.toLowerCase()) : test(text, part);
  });

const onText = (apply: (text: string) => Value): SqlFunction =>
  of(1, 1, ([text]) => (typeof text === 'string' ? apply(text) : undefined));

const onNumber = (apply: (number: number) => number): SqlFunction =>
  of(1, 1, ([number]) => (typeof number === 'number' ? apply(number) : undefined));

const isPrimitive = (value: Value): boolean =>
  value !== undefined && (value === null || typeof value !== 'object');

/** Whether `whole` has everything that `part` has: the third argument of ARRAY_CONTAINS. */
function matchesPartially(whole: Value, part: Value): boolean {
  if (!isObject(whole) || !isObject(part)) return equalValues(whole, part);
  return Object.entries(part).every(([name, value]) => matchesPartially(whole[name], value));
}

export const FUNCTIONS: Readonly<Record<string, SqlFunction>> = {
  IS_DEFINED: typeTest((value) => value !== undefined),
  IS_NULL: typeTest((value) => value === null),
  IS_BOOL: typeTest((value) => typeof value === 'boolean'),
  IS_NUMBER: typeTest((value) => typeof value === 'number'),
  IS_STRING: typeTest((value) => typeof value === 'string'),
  IS_ARRAY: typeTest((value) => Array.isArray(value)),
  IS_OBJECT: typeTest(isObject),
  IS_PRIMITIVE: typeTest(isPrimitive),
  STARTSWITH: textTest((text, part) => text.startsWith(part)),
  ENDSWITH: textTest((text, part) => text.endsWith(part)),
  CONTAINS: textTest((text, part) => text.includes(part)),
  STRINGEQUALS: textTest((text, part) => text === part),
  LOWER: onText((text) => text.toLowerCase()),
  UPPER: onText((text) => text.toUpperCase()),
  TRIM: onText((text) => text.trim()),
  LENGTH: onText((text) => Array.from(text).length),
  CONCAT: of(2, 20, (parts) =>
    parts.every((part) => typeof part === 'string') ? parts.join('') : undefined,
  ),
  SUBSTRING: of(3, 3, ([text, start, length]) =>
    typeof text === 'string' && typeof start === 'number' && typeof length === 'number'
      ? text.slice(Math.max(0, start), Math.max(0, start) + Math.max(0, length))
      : undefined,
  ),
  ABS: onNumber(Math.abs),
  CEILING: onNumber(Math.ceil),
  FLOOR: onNumber(Math.floor),
  ROUND: onNumber((number) => Math.sign(number) * Math.round(Math.abs(number))),
  ARRAY_CONTAINS: of(2, 3, ([array, item, partial]) => {
    if (!Array.isArray(array) || item === undefined) return undefined;
    return array.some((element) =>
      partial === true ? matchesPartially(element, item) : equalValues(element, item),
    );
  }),
  ARRAY_LENGTH: of(1, 1, ([array]) => (Array.isArray(array) ? array.length : undefined)),
  GETCURRENTTIMESTAMP: of(0, 0, (_, now) => now),
  GETCURRENTDATETIME: of(0, 0, (_, now) => new Date(now).toISOString().replace(/\.(\d{3})Z$/, '.$10000Z')),
};
