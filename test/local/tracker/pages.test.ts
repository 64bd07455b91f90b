import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../local/tracker/markdown.js';
import { startTracker, type Tracker } from '../../../local/tracker/server.js';

let tracker: Tracker;
beforeAll(async () => {
  tracker = await startTracker({ repository: 'acme/calculator', cloneUrl: '/r/repo.git', token: 't' });
});
afterAll(() => tracker.close());

const file = (form: Record<string, string>, origin = tracker.url): Promise<Response> =>
  fetch(`${tracker.url}/acme/calculator/issues`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { origin },
    redirect: 'manual',
  });

describe('a person', () => {
  it('files an item with the form, and finds it in the list and on its page', async () => {
    const filed = await file({ title: 'More <b>speed</b>', body: 'a\r\n\r\nb', labels: 'agent:run, x,' });
    expect(filed.status).toBe(303);
    const page = await (await fetch(new URL(filed.headers.get('location') ?? '', tracker.url))).text();
    expect(page).toContain('More &lt;b&gt;speed&lt;/b&gt;');
    expect(page).toContain('<span class="label">agent:run</span><span class="label">x</span>');
    expect(page).toContain('<p>a</p>\n<p>b</p>');
    const list = await (await fetch(tracker.url)).text();
    expect(list).toContain('/acme/calculator/issues/1"');
  });

  it('sees what is wrong, with everything typed still there', async () => {
    const answer = await file({ title: ' ', body: '</textarea><script>', labels: 'l' });
    expect(answer.status).toBe(422);
    const page = await answer.text();
    expect(page).toContain('title: missing field');
    expect(page).toContain('&lt;/textarea&gt;&lt;script&gt;');
  });

  it('gets a page for a wrong address too', async () => {
    const answer = await fetch(`${tracker.url}/acme/calculator/issues/77`);
    expect([answer.status, await answer.text()]).toEqual([
      404,
      expect.stringContaining('There is no such page'),
    ]);
  });
});

describe('the page of another site', () => {
  it('cannot file an item', async () => {
    expect((await file({ title: 'x' }, 'https://example.org')).status).toBe(403);
    const bare = await fetch(`${tracker.url}/acme/calculator/issues`, {
      method: 'POST',
      body: new URLSearchParams({ title: 'x' }),
    });
    expect(bare.status).toBe(403);
  });
});

describe('markdown', () => {
  it.each([
    ['**b** and `c*d`', '<p><strong>b</strong> and <code>c*d</code></p>'],
    ['one\ntwo\n\nthree', '<p>one<br>two</p>\n<p>three</p>'],
    ['- a\n- `b`', '<ul><li>a</li><li><code>b</code></li></ul>'],
    ['## Head\ntext', '<p><strong>Head</strong></p>\n<p>text</p>'],
    ['```sh\nx < 1 && **y**\n```\nz', '<pre><code>x &lt; 1 &amp;&amp; **y**</code></pre>\n<p>z</p>'],
    ['```\nnever closed', '<pre><code>never closed</code></pre>'],
    ['a<!-- hidden\nmarker -->b', '<p>ab</p>'],
    ['[x](https://e.org/?a=1&b=2)', '<p><a href="https://e.org/?a=1&amp;b=2" rel="noreferrer">x</a></p>'],
  ])('%j becomes HTML', (source, html) => {
    expect(renderMarkdown(source)).toBe(html);
  });

  it.each([
    '<script>alert(1)</script>',
    '[x](javascript:alert(1))',
    '[x](https://e.org/"onmouseover="alert(1))',
    '`<img src=x onerror=y>`',
    '- <a href="x">',
    '# <style>',
    '**<i>**',
  ])('%j brings no markup of its own', (source) => {
    const html = renderMarkdown(source);
    expect(
      html.replaceAll(/<\/?(?:p|br|ul|li|code|strong)>|<a href="https[^"]*" rel="noreferrer">|<\/a>/g, ''),
    ).not.toMatch(/[<>]/);
    expect(html).not.toMatch(/"\s*on\w+=/);
  });
});
