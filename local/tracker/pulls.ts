// Pull requests as far as the product opens them: one open one for a branch. They end with the process.
import { ApiError, notFound, objectOf } from './fields.js';
import { userResource, type Site } from './resources.js';

interface Pull {
  number: number;
  title: string;
  body: string;
  head: string;
  base: string;
}

const PULLS = /^\/repos\/([^/]+\/[^/]+)\/pulls$/;

export class Pulls {
  private readonly opened: Pull[] = [];

  /** Undefined for another path. */
  answer(
    site: Site,
    login: string,
    method: string,
    pathname: string,
    query: URLSearchParams,
    body: unknown,
  ): { status: number; body: unknown } | undefined {
    const repository = PULLS.exec(pathname)?.[1];
    if (repository === undefined) return undefined;
    if (repository.toLowerCase() !== site.repository.toLowerCase()) throw notFound();
    const [owner = '', name = ''] = site.repository.split('/');
    const resource = (pull: Pull): object => ({
      number: pull.number,
      url: `${site.apiUrl}/repos/${site.repository}/pulls/${pull.number}`,
      html_url: `${site.url}/${site.repository}/pull/${pull.number}`,
      state: 'open',
      title: pull.title,
      body: pull.body,
      user: userResource(site, login),
      head: { ref: pull.head, label: `${owner}:${pull.head}`, repo: { name } },
      base: { ref: pull.base, label: `${owner}:${pull.base}`, repo: { name } },
    });
    if (method === 'GET') {
      const [head, base] = [query.get('head'), query.get('base')];
      const found = this.opened.filter(
        (pull) =>
          (head === null || head === `${owner}:${pull.head}`) && (base === null || base === pull.base),
      );
      return { status: 200, body: found.map(resource) };
    }
    if (method !== 'POST') throw notFound();
    const { title, head, base, body: text } = objectOf(body);
    if (typeof title !== 'string' || typeof head !== 'string' || typeof base !== 'string')
      throw new ApiError(422, 'Validation Failed');
    if (this.opened.some((pull) => pull.head === head && pull.base === base))
      throw new ApiError(422, `Validation Failed: A pull request already exists for ${owner}:${head}.`);
    const pull = {
      number: this.opened.length + 1,
      title,
      body: typeof text === 'string' ? text : '',
      head,
      base,
    };
    this.opened.push(pull);
    return { status: 201, body: resource(pull) };
  }
}
