// Values on the command line, checked before anything is asked of the API.
import { InvalidArgumentError } from 'commander';
import { DurationSchema } from '../../shared/contract/manifest.js';

export const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(
      most === Number.MAX_SAFE_INTEGER
        ? `Expected a whole number from ${least}.`
        : `Expected a whole number from ${least} to ${most}.`,
    );
  };

/** `90s`, `15m`, `4h`, as in a manifest. Result in seconds. */
export function duration(value: string): number {
  const parsed = DurationSchema.safeParse(/^\d+$/.test(value) ? Number(value) : value);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('Expected a duration such as 90s, 15m or 4h.');
}
