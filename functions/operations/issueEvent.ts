/** What an item's webhook says, as far as the product reads it. */
export interface IssueEvent {
  readonly action: string;
  /** `owner/name` */
  readonly repository: string;
  readonly number: number;
  readonly url: string;
  readonly title: string;
  readonly body: string;
  readonly state: string;
  /** Who filed it. */
  readonly author: string | undefined;
  readonly labels: readonly string[];
  /** The label that a `labeled` event is about. */
  readonly addedLabel: string | undefined;
}

/** Reads the payload of GitHub's `issues` event; undefined when it is none, or a pull request. */
export function readIssueEvent(payload: unknown): IssueEvent | undefined {
  const root = fields(payload);
  const issue = fields(root.issue);
  const repository = fields(root.repository).full_name;
  const { number, title, html_url: url, state } = issue;
  if (typeof root.action !== 'string' || typeof repository !== 'string' || 'pull_request' in issue)
    return undefined;
  if (typeof number !== 'number' || typeof title !== 'string' || typeof url !== 'string') return undefined;
  return {
    action: root.action,
    repository,
    number,
    url,
    title,
    body: typeof issue.body === 'string' ? issue.body : '',
    state: typeof state === 'string' ? state : 'open',
    author: nameIn(fields(issue.user).login),
    labels: Array.isArray(issue.labels) ? issue.labels.map(nameOf) : [],
    addedLabel: root.label === undefined ? undefined : nameOf(root.label),
  };
}

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const nameIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const nameOf = (label: unknown): string => {
  const name = typeof label === 'string' ? label : fields(label).name;
  return typeof name === 'string' ? name : '';
};
