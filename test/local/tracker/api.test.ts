import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTracker, type Tracker } from '../../../local/tracker/server.js';

const TOKEN = 'tracker-token';
let tracker: Tracker;
let url: string;

beforeAll(async () => {
  tracker = await startTracker({ repository: 'acme/calculator', cloneUrl: '/r/repo.git', token: TOKEN });
  url = `${tracker.apiUrl}/repos/acme/calculator/issues`;
});
afterAll(() => tracker.close());

const call = (method: string, target: string, body?: unknown): Promise<Response> =>
  fetch(target, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
interface Issue {
  number: number;
  state: string;
  state_reason: string | null;
  closed_at: string | null;
  body: string | null;
  labels: { name: string }[];
  comments: number;
  html_url: string;
}
const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T;
const names = (labels: { name: string }[]): string[] => labels.map(({ name }) => name);

let issue: Issue;
beforeEach(async () => {
  issue = await json(call('POST', url, { title: 'Fix it', body: 'Please', labels: ['bug', 'Bug', 'a b'] }));
});
const at = (path = ''): string => `${url}/${issue.number}${path}`;

describe('the caller', () => {
  it('needs the token', async () => {
    const bare = await fetch(url);
    expect([bare.status, ((await bare.json()) as { message: string }).message]).toEqual([
      401,
      'Requires authentication',
    ]);
    const wrong = await fetch(url, { headers: { authorization: 'Bearer other' } });
    expect(await wrong.json()).toMatchObject({ message: 'Bad credentials', status: '401' });
    const old = await fetch(url, { headers: { authorization: `token ${TOKEN}` } });
    expect(old.status).toBe(200);
  });

  it('hears 404 of another repository, an item that is not there, and a call that is not offered', async () => {
    const other = url.replace('calculator', 'other');
    for (const target of [other, `${url}/99999`, at('/reactions'), `${tracker.apiUrl}/user`]) {
      const answer = await call('GET', target);
      expect([target, answer.status, await answer.json()]).toMatchObject([
        target,
        404,
        { message: 'Not Found' },
      ]);
    }
  });

  it('finds the repository whatever the case of its name', async () => {
    expect((await call('GET', url.replace('acme', 'ACME'))).status).toBe(200);
  });
});

describe('an item', () => {
  it('is born open, with each label once', () => {
    expect(issue).toMatchObject({ state: 'open', state_reason: null, closed_at: null, comments: 0 });
    expect(names(issue.labels)).toEqual(['bug', 'a b']);
    expect(issue.html_url).toBe(`${tracker.url}/acme/calculator/issues/${issue.number}`);
  });

  it('is edited, closed and reopened', async () => {
    const edited = await json<Issue>(call('PATCH', at(), { body: null, labels: ['done'] }));
    expect([edited.body, names(edited.labels)]).toEqual([null, ['done']]);
    const closed = await json<Issue>(call('PATCH', at(), { state: 'closed' }));
    expect(closed).toMatchObject({ state: 'closed', state_reason: 'completed' });
    expect(closed.closed_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const reopened = await json<Issue>(call('PATCH', at(), { state: 'open' }));
    expect(reopened).toMatchObject({ state: 'open', closed_at: null });
  });

  it('gains and loses labels; one that it lacks is a 404', async () => {
    const added = await json<{ name: string }[]>(
      call('POST', at('/labels'), { labels: ['BUG', 'status:x'] }),
    );
    expect(names(added)).toEqual(['bug', 'a b', 'status:x']);
    const left = await json<{ name: string }[]>(call('DELETE', at('/labels/a%20b')));
    expect(names(left)).toEqual(['bug', 'status:x']);
    const gone = await call('DELETE', at('/labels/a%20b'));
    expect([gone.status, await gone.json()]).toMatchObject([404, { message: 'Label does not exist' }]);
  });

  it('collects comments, the oldest first', async () => {
    for (const body of ['one', 'two'])
      expect((await call('POST', at('/comments'), { body })).status).toBe(201);
    const comments = await json<{ body: string; user: { login: string } }[]>(call('GET', at('/comments')));
    expect(comments).toMatchObject([{ body: 'one', user: { login: 'gigafactory[bot]' } }, { body: 'two' }]);
    expect(await json(call('GET', at()))).toMatchObject({ comments: 2 });
  });

  it('is listed by state and labels, the newest first', async () => {
    const newer = await json<Issue>(call('POST', url, { title: 'Newer', labels: ['only-here'] }));
    const list = (query: string): Promise<Issue[]> => json(call('GET', `${url}?${query}`));
    expect((await list(''))[0]?.number).toBe(newer.number);
    expect((await list('labels=only-here,bug')).length).toBe(0);
    expect((await list('labels=Only-Here')).length).toBe(1);
    await call('PATCH', `${url}/${newer.number}`, { state: 'closed' });
    expect((await list('state=closed')).map(({ number }) => number)).toContain(newer.number);
    expect((await list('state=open')).map(({ number }) => number)).not.toContain(newer.number);
  });
});

describe('a long list', () => {
  it('comes in pages that a Link header joins', async () => {
    for (let n = 1; n <= 5; n++) await call('POST', at('/comments'), { body: `comment ${n}` });
    const seen: string[] = [];
    let next: string | undefined = at('/comments?per_page=2');
    let pages = 0;
    while (next !== undefined) {
      const answer = await call('GET', next);
      seen.push(...((await answer.json()) as { body: string }[]).map(({ body }) => body));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
      pages += 1;
    }
    expect([pages, seen]).toEqual([3, [1, 2, 3, 4, 5].map((n) => `comment ${n}`)]);
    const last = await call('GET', at('/comments?per_page=2&page=3'));
    expect(last.headers.get('link')).toMatch(/page=2>; rel="prev".*page=1>; rel="first"/);
    expect((await call('GET', at('/comments'))).headers.get('link')).toBeNull();
  });
});

describe('what is not valid', () => {
  it.each([
    ['POST', '', {}, 422, { field: 'title', code: 'missing_field' }],
    ['POST', '', { title: ' ' }, 422, { field: 'title', code: 'missing_field' }],
    ['POST', '', { title: 7 }, 422, { field: 'title', code: 'invalid' }],
    ['POST', '', { title: 'x'.repeat(257) }, 422, { field: 'title', code: 'custom' }],
    ['POST', '', { title: 'x', labels: 'bug' }, 422, { field: 'labels', code: 'invalid' }],
    ['POST', '', { title: 'x', labels: [7] }, 422, { field: 'name', code: 'invalid' }],
    ['PATCH', '/n', { state: 'done' }, 422, { field: 'state', code: 'invalid' }],
    ['POST', '/n/comments', {}, 422, { field: 'body', code: 'missing_field' }],
    ['POST', '/n/comments', { body: 'x'.repeat(65_537) }, 422, { field: 'body', code: 'custom' }],
    ['GET', '?state=done', undefined, 422, { field: 'state', code: 'invalid' }],
  ])('%s %s %j is refused as GitHub refuses it', async (method, path, body, status, error) => {
    const answer = await call(method, url + path.replace('/n', `/${issue.number}`), body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ message: 'Validation Failed', errors: [error] });
  });

  it.each([
    ['{', 400, 'Problems parsing JSON'],
    ['[]', 400, 'Body should be a JSON object'],
    [' '.repeat(600_000), 413, 'The body is larger than 524288 bytes.'],
  ])('a body of %.5s… is answered with %i', async (body, status, message) => {
    const answer = await call('POST', url, body);
    expect([answer.status, await answer.json()]).toMatchObject([status, { message }]);
  });
});
