// A manifest's fields for people: durations, amounts and lists as one would say them.
import { count } from '../../shared/contract/count.js';
import type { Manifest } from '../../shared/contract/manifest.js';
import { exactDuration, oneLine, usd } from '../text.js';

/** @param value as the reader resolved it: seconds, US dollars, tokens */
export function describeField(name: string, value: unknown): string {
  switch (name) {
    case 'timeout':
      return exactDuration(value as Manifest['timeout']);
    case 'budget':
      return describeBudget(value as Manifest['budget']);
    case 'retry':
      return describeRetry(value as Manifest['retry']);
    case 'review-policy':
      return describeReview(value as NonNullable<Manifest['review-policy']>);
    default:
      if (Array.isArray(value))
        return value.length === 0 ? 'none' : value.map(String).map(oneLine).join(', ');
      return typeof value === 'string' ? oneLine(value) : JSON.stringify(value);
  }
}

function describeBudget({ usd: dollars, tokens, wall }: Manifest['budget']): string {
  const parts = [
    ...(dollars === undefined ? [] : [usd(dollars)]),
    ...(tokens === undefined ? [] : [`${tokens.toLocaleString('en-GB')} tokens`]),
    ...(wall === undefined ? [] : [`${exactDuration(wall)} of run time`]),
  ];
  return parts.length === 0 ? 'no limit of its own' : parts.join(', ');
}

function describeRetry({ max, backoff, on }: Manifest['retry']): string {
  if (max === 0 || on.length === 0) return 'never';
  const reasons = on.map((reason) => reason.replaceAll('_', ' ')).join(', ');
  return `${count(max, 'time')} more after ${reasons}; first after ${exactDuration(backoff)}`;
}

function describeReview(policy: NonNullable<Manifest['review-policy']>): string {
  if (typeof policy === 'string') return policy;
  return `${policy.quorum} of ${policy.reviewers.map(oneLine).join(', ')}`;
}
