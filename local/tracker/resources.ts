// How GitHub's REST API and webhooks write down what the engine holds: the fields that a client of issues reads.
import { createHash } from 'node:crypto';
import type { Comment, Issue, IssueEvent } from './issues.js';

/** Where resources point to. */
export interface Site {
  /** `owner/name` */
  repository: string;
  /** What git can clone. */
  cloneUrl: string;
  /** Base of pages, without a slash at the end. */
  url: string;
  /** Base of the REST API, without a slash at the end. */
  apiUrl: string;
}

const DEFAULT_BRANCH = 'main';

const repositoryApi = ({ apiUrl, repository }: Site): string => `${apiUrl}/repos/${repository}`;

/** A number that belongs to a name, as ids of users, labels and repositories do. */
const idOf = (name: string): number => createHash('sha256').update(name).digest().readUInt32BE();

export function userResource(site: Site, login: string): object {
  return {
    login,
    id: idOf(`user ${login}`),
    type: login.endsWith('[bot]') ? 'Bot' : 'User',
    site_admin: false,
    url: `${site.apiUrl}/users/${encodeURIComponent(login)}`,
    html_url: `${site.url}/${encodeURIComponent(login)}`,
  };
}

export function labelResource(site: Site, name: string): object {
  const id = idOf(`label ${name}`);
  return {
    id,
    url: `${repositoryApi(site)}/labels/${encodeURIComponent(name)}`,
    name,
    color: (id & 0xffffff).toString(16).padStart(6, '0'),
    default: false,
    description: null,
  };
}

export function issueResource(site: Site, issue: Issue): object {
  const url = `${repositoryApi(site)}/issues/${issue.number}`;
  return {
    id: idOf(`issue ${site.repository}`) + issue.number,
    number: issue.number,
    url,
    repository_url: repositoryApi(site),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    html_url: `${site.url}/${site.repository}/issues/${issue.number}`,
    title: issue.title,
    body: issue.body,
    user: userResource(site, issue.by),
    labels: issue.labels.map((label) => labelResource(site, label)),
    state: issue.state,
    state_reason: issue.stateReason,
    locked: false,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: issue.comments.length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    author_association: 'OWNER',
  };
}

export function commentResource(site: Site, issue: Issue, comment: Comment): object {
  const page = `${site.url}/${site.repository}/issues/${issue.number}`;
  return {
    id: comment.id,
    url: `${repositoryApi(site)}/issues/comments/${comment.id}`,
    html_url: `${page}#issuecomment-${comment.id}`,
    issue_url: `${repositoryApi(site)}/issues/${issue.number}`,
    body: comment.body,
    user: userResource(site, comment.by),
    created_at: comment.createdAt,
    updated_at: comment.createdAt,
    author_association: 'OWNER',
  };
}

function repositoryResource(site: Site): object {
  const [owner = '', name = ''] = site.repository.split('/');
  return {
    id: idOf(`repository ${site.repository}`),
    name,
    full_name: site.repository,
    private: true,
    owner: userResource(site, owner),
    html_url: `${site.url}/${site.repository}`,
    url: repositoryApi(site),
    clone_url: site.cloneUrl,
    default_branch: DEFAULT_BRANCH,
  };
}

/** The payload of an `issues` webhook. */
export function issuesPayload(site: Site, event: IssueEvent): object {
  return {
    action: event.action,
    issue: issueResource(site, event.issue),
    ...(event.label === undefined ? {} : { label: labelResource(site, event.label) }),
    ...(event.changes ? { changes: event.changes } : {}),
    repository: repositoryResource(site),
    sender: userResource(site, event.by),
  };
}
