/** Cost and tokens in a few characters; `~` marks an estimate, a dash what nobody knows. */
import type { Usage } from '../../../shared/contract/job.js';

const UNKNOWN = '–';

/** `$0.42`, `~$0.42`, `$0` for a script that used no model. */
export function formatCost(usage: Usage): string {
  if (usage.accuracy === 'unknown' && usage.usd === 0) return UNKNOWN;
  const amount = usage.usd === 0 ? '$0' : usage.usd < 0.01 ? '<$0.01' : `$${usage.usd.toFixed(2)}`;
  return usage.accuracy === 'estimated' && usage.usd > 0 ? `~${amount}` : amount;
}

/** `950`, `12.4k`, `1.2M` */
export function formatTokens(usage: Usage): string {
  if (usage.accuracy === 'unknown' && usage.tokens === 0) return UNKNOWN;
  if (usage.tokens < 1000) return String(usage.tokens);
  if (usage.tokens < 1_000_000) return `${(usage.tokens / 1000).toFixed(1)}k`;
  return `${(usage.tokens / 1_000_000).toFixed(1)}M`;
}
