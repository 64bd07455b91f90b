// The tracker for people: the list, one item with its comments, and a form for a new one. Open pages follow what
// happens by themselves.
import { escapeHtml } from '../httpServer.js';
import { PAGE_STYLE } from '../pageStyle.js';
import type { Issue } from './issues.js';
import { renderMarkdown } from './markdown.js';

/** How often an open page looks for news. */
const REFRESH_MS = 1500;

/** Replaces the page's content when it changed, unless nobody looks at it. */
export const LIVE_SCRIPT = `setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch(location.href).catch(() => undefined);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
  const shown = document.querySelector('main');
  if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
}, ${REFRESH_MS});
`;

const page = (title: string, live: boolean, content: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${PAGE_STYLE}</style>${live ? '<script src="/live.js" defer></script>' : ''}</head>
<body><main>${content}</main></body></html>
`;

const labelsOf = ({ labels }: Issue): string =>
  labels.map((label) => `<span class="label">${escapeHtml(label)}</span>`).join('');

const stateOf = ({ state }: Issue): string =>
  `<span class="state ${state}">${state === 'open' ? '● open' : '✓ closed'}</span>`;

const when = (timestamp: string): string =>
  `<time datetime="${timestamp}">${timestamp.replace('T', ' ').replace('Z', ' UTC')}</time>`;

/** @param issues the newest first, open and closed */
export function listPage(repository: string, issues: readonly Issue[]): string {
  const rows = issues.map(
    (issue) =>
      `<li>${stateOf(issue)} <a href="/${repository}/issues/${issue.number}"><strong>${escapeHtml(issue.title)}</strong></a> ${labelsOf(issue)}<br><span class="soft">#${issue.number} by ${escapeHtml(issue.by)}, ${when(issue.createdAt)} · ${count(issue.comments.length, 'comment')}</span></li>`,
  );
  return page(
    `Issues · ${repository}`,
    true,
    `<h1>${escapeHtml(repository)} <span class="number">issues</span></h1>
<p class="soft">This stands in for GitHub on this machine. An item with the label <code>agent:run</code> becomes a job.
<a href="/${repository}/issues/new">New item</a></p>
<ul class="rows">${rows.join('\n') || '<li class="soft">Nothing here yet.</li>'}</ul>`,
  );
}

export function issuePage(repository: string, issue: Issue): string {
  const entry = (by: string, at: string, text: string, id: string): string =>
    `<section class="card"${id}><p class="soft"><strong>${escapeHtml(by)}</strong> ${when(at)}</p>${renderMarkdown(text)}</section>`;
  return page(
    `#${issue.number} ${issue.title}`,
    true,
    `<p><a href="/${repository}/issues">${escapeHtml(repository)}</a></p>
<h1>${escapeHtml(issue.title)} <span class="number">#${issue.number}</span></h1>
<p>${stateOf(issue)} ${labelsOf(issue)}</p>
${entry(issue.by, issue.createdAt, issue.body ?? '', '')}
${issue.comments.map((one) => entry(one.by, one.createdAt, one.body, ` id="issuecomment-${one.id}"`)).join('\n')}
<p class="soft">${count(issue.comments.length, 'comment')}</p>`,
  );
}

/** What was typed, to be shown again when something is wrong with it. */
export interface Draft {
  title: string;
  body: string;
  labels: string;
}

export const EMPTY_DRAFT: Draft = { title: '', body: '', labels: 'agent:run, engine:shell' };

export function newIssuePage(repository: string, draft: Draft, wrong?: string): string {
  return page(
    `New item · ${repository}`,
    false,
    `<p><a href="/${repository}/issues">${escapeHtml(repository)}</a></p><h1>New item</h1>
${wrong === undefined ? '' : `<p class="card" role="alert">${escapeHtml(wrong)}</p>`}
<form method="post" action="/${repository}/issues">
<label for="title">Title</label><input id="title" name="title" required maxlength="256" value="${escapeHtml(draft.title)}">
<label for="body">Text</label><textarea id="body" name="body" placeholder="What should be done. With engine:shell, the script stands between \`\`\`sh and \`\`\`.">${escapeHtml(draft.body)}</textarea>
<label for="labels">Labels</label><input id="labels" name="labels" value="${escapeHtml(draft.labels)}">
<button>File it</button></form>`,
  );
}

export function missingPage(repository: string): string {
  return page(
    'Not found',
    false,
    `<h1>There is no such page.</h1><p><a href="/${repository}/issues">All items of ${escapeHtml(repository)}</a></p>`,
  );
}

const count = (number: number, noun: string): string =>
  `${number === 0 ? 'no' : number} ${noun}${number === 1 ? '' : 's'}`;
