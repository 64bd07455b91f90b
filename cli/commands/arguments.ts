// Values on the command line, checked before anything is asked of the API.
import { InvalidArgumentError } from 'commander';
import { AppError } from '../../shared/errors.js';

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
export async function duration(value: string): Promise<number> {
  const { DurationSchema } = await import('../../shared/contract/manifest.js');
  const parsed = DurationSchema.safeParse(/^\d+$/.test(value) ? Number(value) : value);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid-request', `“${value}” is not a duration such as 90s, 15m or 4h.`);
}
