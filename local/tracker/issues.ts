// The tracker's engine: items, comments and labels, and which events each change causes. No sockets, no files.

export interface Comment {
  id: number;
  body: string;
  /** Login of who wrote it. */
  by: string;
  createdAt: string;
}

export interface Issue {
  number: number;
  title: string;
  body: string | null;
  labels: string[];
  state: 'open' | 'closed';
  stateReason: string | null;
  by: string;
  createdAt: string;
  updatedAt: string;
  closedAt: string | null;
  comments: Comment[];
}

/** Everything there is; plain data, so that it can be kept in a file. */
export interface Tracked {
  nextNumber: number;
  nextCommentId: number;
  issues: Issue[];
}

export const nothingTracked = (): Tracked => ({ nextNumber: 1, nextCommentId: 1, issues: [] });

/** One `issues` event, in GitHub's words. `issue` is a copy of that moment. */
export interface IssueEvent {
  action: 'opened' | 'edited' | 'closed' | 'reopened' | 'labeled' | 'unlabeled';
  issue: Issue;
  label?: string;
  /** What an edit replaced. */
  changes?: Record<string, { from: string | null }>;
  by: string;
}

export interface IssueEdit {
  title?: string;
  body?: string | null;
  state?: 'open' | 'closed';
  stateReason?: string | null;
  /** Replaces all labels. */
  labels?: readonly string[];
}

export class Issues {
  readonly tracked: Tracked;
  readonly #now: () => number;
  readonly #emit: (event: IssueEvent) => void;

  /** @param now milliseconds since 1970 */
  constructor(tracked: Tracked, now: () => number, emit: (event: IssueEvent) => void) {
    this.tracked = tracked;
    this.#now = now;
    this.#emit = emit;
  }

  get(number: number): Issue | undefined {
    return this.tracked.issues.find((issue) => issue.number === number);
  }

  /** The newest first. */
  list(state: 'open' | 'closed' | 'all', labels: readonly string[] = []): Issue[] {
    return this.tracked.issues
      .filter((issue) => state === 'all' || issue.state === state)
      .filter((issue) => labels.every((label) => hasLabel(issue, label)))
      .toReversed();
  }

  /** Like GitHub, an item that is born with labels causes `opened` and then `labeled` for each. */
  create(by: string, fields: { title: string; body: string | null; labels: readonly string[] }): Issue {
    const at = this.#time();
    const issue: Issue = {
      number: this.tracked.nextNumber++,
      title: fields.title,
      body: fields.body,
      labels: distinct(fields.labels),
      state: 'open',
      stateReason: null,
      by,
      createdAt: at,
      updatedAt: at,
      closedAt: null,
      comments: [],
    };
    this.tracked.issues.push(issue);
    this.#tell(issue, { action: 'opened', by });
    for (const label of issue.labels) this.#tell(issue, { action: 'labeled', label, by });
    return issue;
  }

  edit(by: string, issue: Issue, edit: IssueEdit): void {
    const changes: Record<string, { from: string | null }> = {};
    if (edit.title !== undefined && edit.title !== issue.title) {
      changes['title'] = { from: issue.title };
      issue.title = edit.title;
    }
    if (edit.body !== undefined && edit.body !== issue.body) {
      changes['body'] = { from: issue.body };
      issue.body = edit.body;
    }
    if (Object.keys(changes).length > 0) this.#change(issue, { action: 'edited', changes, by });
    if (edit.labels) {
      const wanted = distinct(edit.labels);
      for (const label of issue.labels.filter((old) => !includesLabel(wanted, old)))
        this.removeLabel(by, issue, label);
      this.addLabels(by, issue, wanted);
    }
    if (edit.state !== undefined && edit.state !== issue.state) {
      const closed = edit.state === 'closed';
      issue.state = edit.state;
      issue.closedAt = closed ? this.#time() : null;
      issue.stateReason = edit.stateReason ?? (closed ? 'completed' : 'reopened');
      this.#change(issue, { action: closed ? 'closed' : 'reopened', by });
    }
  }

  comment(by: string, issue: Issue, body: string): Comment {
    const at = this.#time();
    const comment = { id: this.tracked.nextCommentId++, body, by, createdAt: at };
    issue.comments.push(comment);
    issue.updatedAt = at;
    return comment;
  }

  /** Labels that are there already stay as they are, and cause nothing. */
  addLabels(by: string, issue: Issue, labels: readonly string[]): void {
    for (const label of distinct(labels).filter((wanted) => !hasLabel(issue, wanted))) {
      issue.labels.push(label);
      this.#change(issue, { action: 'labeled', label, by });
    }
  }

  /** @returns false when the item has no such label */
  removeLabel(by: string, issue: Issue, label: string): boolean {
    const at = issue.labels.findIndex((present) => sameLabel(present, label));
    const [removed] = at < 0 ? [] : issue.labels.splice(at, 1);
    if (removed === undefined) return false;
    this.#change(issue, { action: 'unlabeled', label: removed, by });
    return true;
  }

  #change(issue: Issue, event: Omit<IssueEvent, 'issue'>): void {
    issue.updatedAt = this.#time();
    this.#tell(issue, event);
  }

  #tell(issue: Issue, event: Omit<IssueEvent, 'issue'>): void {
    this.#emit({ ...event, issue: structuredClone(issue) });
  }

  /** GitHub's times have no fractions of seconds. */
  #time(): string {
    return `${new Date(this.#now()).toISOString().slice(0, 19)}Z`;
  }
}

/** GitHub keeps the writing of a label and ignores it when comparing. */
const sameLabel = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const includesLabel = (labels: readonly string[], label: string): boolean =>
  labels.some((present) => sameLabel(present, label));
const hasLabel = (issue: Issue, label: string): boolean => includesLabel(issue.labels, label);
const distinct = (labels: readonly string[]): string[] =>
  labels.filter((label, at) => labels.findIndex((other) => sameLabel(other, label)) === at);
