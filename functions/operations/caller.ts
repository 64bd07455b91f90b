import { includesRole, type Role } from '../../shared/contract/routes.js';
import type { Actor } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';

/** A role on one product, or on all of them (`*`). */
export interface Grant {
  readonly role: Role;
  readonly productId: string;
}

export interface Operator {
  readonly kind: 'operator';
  readonly id: string;
  readonly grants: readonly Grant[];
  /** Products for which it may join the fleet as a factory, as a machine does by its managed identity; `*` for all. */
  readonly enrols?: readonly string[];
}

export interface FactoryCaller {
  readonly kind: 'factory';
  readonly id: string;
  /** Of the token that it called with. */
  readonly tokenId: string;
  readonly pools: readonly string[];
  /** `*` for all. */
  readonly products: readonly string[];
}

/** Who calls, as the boundary made sure. A signature or a one-time token is checked by its operation. */
export type Caller = Operator | FactoryCaller | { readonly kind: 'anonymous' };

/** Has the caller that role, or a stronger one, on the product? */
export const hasRole = (caller: Caller, role: Role, productId: string): boolean =>
  caller.kind === 'operator' &&
  caller.grants.some(
    (grant) => (grant.productId === '*' || grant.productId === productId) && includesRole(grant.role, role),
  );

/**
 * @throws AppError forbidden, naming the role that it takes
 */
export function requireRole(caller: Caller, role: Role, productId: string): void {
  if (hasRole(caller, role, productId)) return;
  throw new AppError('forbidden', `this takes the role ${role} on ${scopeName(productId)}`, {
    role,
    productId,
  });
}

const scopeName = (productId: string): string =>
  productId === '*' ? 'all products' : `product ${productId}`;

/** @throws AppError forbidden */
export function requireFactory(caller: Caller): FactoryCaller {
  if (caller.kind === 'factory') return caller;
  throw new AppError('forbidden', 'only an enrolled factory may do this');
}

/**
 * The factory that calls, which works for the product.
 * @throws AppError forbidden
 */
export function requireServes(caller: Caller, productId: string): FactoryCaller {
  const factory = requireFactory(caller);
  if (factory.products.includes('*') || factory.products.includes(productId)) return factory;
  throw new AppError('forbidden', `${factory.id} does not serve ${productId}`, { productId });
}

/** Products that the caller may look at; `*` for all. */
export function visibleProducts(caller: Caller): '*' | readonly string[] {
  if (caller.kind === 'factory') return caller.products.includes('*') ? '*' : caller.products;
  if (caller.kind === 'anonymous') return [];
  const products = caller.grants.map((grant) => grant.productId);
  return products.includes('*') ? '*' : [...new Set(products)];
}

/** The caller as events name it. */
export const actorOf = (caller: Operator | FactoryCaller): Actor => ({ kind: caller.kind, id: caller.id });

/** @throws AppError forbidden when it is not a person */
export function operatorActor(caller: Caller): Actor {
  if (caller.kind === 'operator') return actorOf(caller);
  throw new AppError('forbidden', 'only an operator may do this');
}
