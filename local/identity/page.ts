// What a person sees of the issuer: the choice of a role, and plain words when a request to sign in is wrong.
import { escapeHtml } from '../httpServer.js';
import { PAGE_STYLE } from '../pageStyle.js';
import type { Client } from './clients.js';

const MEANING: Readonly<Record<string, string>> = {
  viewer: 'sees jobs, logs and the fleet',
  operator: 'submits, cancels and requeues jobs',
  reviewer: 'ships what passed its gates',
  admin: 'may do everything',
};

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${PAGE_STYLE} main { max-width: 26rem; }</style></head>
<body><main>${content}</main></body></html>
`;

/** @param query of the request to sign in: choosing repeats it with `login_hint` */
export function signInPage(client: Client, roles: readonly string[], query: URLSearchParams): string {
  const choices = roles.map((role) => {
    const chosen = new URLSearchParams(query);
    chosen.set('login_hint', role);
    chosen.delete('prompt');
    const meaning = MEANING[role] ?? 'a role of this installation';
    return `<a class="button" href="/authorize?${escapeHtml(chosen.toString())}"><strong>${escapeHtml(role)}</strong> <span class="soft">${escapeHtml(meaning)}</span></a>`;
  });
  return page(
    'Sign in to the embedded cloud',
    `<h1>Sign in to the embedded cloud as…</h1>
<p class="soft">${escapeHtml(client.name)} asks who you are. On this machine a role is all it takes; in Azure the same page is Entra ID's.</p>
${choices.join('\n')}`,
  );
}

export function refusalPage(why: string): string {
  return page(
    'Sign-in is not possible',
    `<h1>Sign-in is not possible</h1><div class="card"><p>${escapeHtml(why)}</p><p class="soft">Open the console at the address that the start printed: it is the registered one.</p></div>`,
  );
}

export function signedOutPage(): string {
  return page('Signed out', '<h1>You are signed out.</h1><p class="soft">You can close this page.</p>');
}
