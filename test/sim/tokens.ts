// Tokens of factories. The signature is a model, since signing goes through Node's thread pool, which knows no virtual
// time; what a token is good for is decided by the product (functions/operations/factoryTokens.ts).
import type { FactoryCaller } from '../../functions/operations/caller.js';
import type { FactoryTokens } from '../../functions/operations/deps.js';
import type { FactoryToken } from '../../shared/contract/api.js';
import { AppError } from '../../shared/errors.js';
import type { SimTime } from './time.js';

/** A factory asks for another token after so long (ms): a week, in a run of an hour. */
const ROTATE_MS = 5 * 60_000;
/** No token of a run grows so old (ms). */
const LIFETIME_MS = 60 * 24 * 3_600_000;

export class SimTokens implements FactoryTokens {
  readonly #time: SimTime;
  readonly #issued = new Map<string, FactoryCaller>();

  constructor(time: SimTime) {
    this.#time = time;
  }

  sign({ factoryId, pools, products, tokenId }: Parameters<FactoryTokens['sign']>[0]): Promise<FactoryToken> {
    const token = `token-${this.#issued.size + 1}`;
    this.#issued.set(token, { kind: 'factory', id: factoryId, tokenId, pools, products });
    const at = (ms: number): string => new Date(this.#time.now + ms).toISOString();
    return Promise.resolve({
      token,
      issuedAt: at(0),
      rotateAt: at(ROTATE_MS),
      tokenExpiresAt: at(LIFETIME_MS),
    });
  }

  /** @throws AppError unauthenticated */
  callerOf(token: string): FactoryCaller {
    const caller = this.#issued.get(token);
    if (caller) return caller;
    throw new AppError('unauthenticated', 'the token is not valid here');
  }
}
