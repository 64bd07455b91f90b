/**
 * Who is signed in: OpenID Connect with authorization code and PKCE. Tokens live in sessionStorage, so they end
 * with the tab; renewal is silent where the issuer allows it.
 */
import { UserManager, WebStorageStateStore, type User } from 'oidc-client-ts';
import { AppError } from '../../shared/errors.js';
import type { Config } from './config.js';
import { navigate } from './router.js';

/** A token is not used in its last seconds: a call takes time, and clocks differ. */
const EXPIRY_MARGIN_SECONDS = 20;

export interface Session {
  readonly name: string;
  /** A valid access token; renews it if need be. @throws AppError unauthenticated when that takes a person */
  readonly token: () => Promise<string>;
  /** Goes to the issuer and comes back to this very page. */
  readonly signIn: () => Promise<void>;
  readonly signOut: () => Promise<void>;
}

/** The state that travels through the issuer: where to go on. Only an address of this console. */
const returnAddress = (state: unknown): string =>
  typeof state === 'string' && /^\/(?![/\\])/.test(state) ? state : '/';

const isCallback = (query: URLSearchParams): boolean =>
  query.has('state') && (query.has('code') || query.has('error'));

const isFresh = (user: User | null): user is User =>
  user !== null && (user.expires_in ?? 0) > EXPIRY_MARGIN_SECONDS;

/** Whether the page was opened in the hidden frame that renews a sign-in. */
export const isRenewalFrame = (): boolean =>
  window.self !== window.top && isCallback(new URLSearchParams(location.search));

function managerFor(config: Config): UserManager {
  return new UserManager({
    authority: config.issuer,
    client_id: config.clientId,
    redirect_uri: `${location.origin}/`,
    post_logout_redirect_uri: `${location.origin}/?signed-out`,
    scope: config.scope,
    userStore: new WebStorageStateStore({ store: sessionStorage }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: false,
    ...(config.loginHint && { extraQueryParams: { login_hint: config.loginHint } }),
  });
}

/** Answers the page that opened this frame. */
export async function finishRenewal(config: Config): Promise<void> {
  await managerFor(config).signinSilentCallback();
}

/**
 * The session of this tab; goes to the issuer when there is none (the promise then never resolves).
 * @returns undefined after a sign-out, so that the page does not sign in again at once
 * @throws Error in the issuer's words when it refuses or cannot be reached
 */
export async function openSession(config: Config): Promise<Session | undefined> {
  const manager = managerFor(config);
  const signIn = async (): Promise<void> => {
    await manager.signinRedirect({ state: location.pathname + location.search });
  };
  const query = new URLSearchParams(location.search);
  let user: User | null;
  if (isCallback(query)) {
    user = await manager.signinRedirectCallback().catch((error: unknown) => {
      // The address holds a code that was used up: a reload must not fail on it again.
      navigate('/', { replace: true });
      throw error;
    });
    navigate(returnAddress(user.state), { replace: true });
  } else {
    user = await manager.getUser();
  }
  if (query.has('signed-out')) return undefined;
  if (!isFresh(user)) {
    await signIn();
    return new Promise(() => {});
  }
  return sessionOf(manager, user, signIn);
}

/** Starts over after a sign-out. */
export async function signInAgain(config: Config): Promise<void> {
  await managerFor(config).signinRedirect({ state: '/' });
}

function sessionOf(manager: UserManager, first: User, signIn: () => Promise<void>): Session {
  let current: User = first;
  let renewal: Promise<User | null> | undefined;
  return {
    name: first.profile.name ?? first.profile.preferred_username ?? first.profile.sub,
    token: async () => {
      if (isFresh(current)) return current.access_token;
      // One renewal serves every call that waits for it.
      renewal ??= manager
        .signinSilent()
        .catch(() => null)
        .finally(() => {
          renewal = undefined;
        });
      const renewed = await renewal;
      if (!isFresh(renewed)) throw new AppError('unauthenticated', 'The session has ended.');
      current = renewed;
      return renewed.access_token;
    },
    signIn,
    signOut: async () => {
      if (await manager.metadataService.getEndSessionEndpoint()) return manager.signoutRedirect();
      await manager.removeUser();
      location.assign('/?signed-out');
    },
  };
}
