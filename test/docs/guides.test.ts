import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManifestSchema } from '../../shared/contract/manifest.js';
import { parseManifest } from '../../shared/manifest.js';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));
const guide = readFileSync('docs/guides/manifest.md', 'utf8');
const guides = pages
  .filter((name) => name.startsWith('docs/guides/'))
  .map((name) => readFileSync(name, 'utf8'));
const blocks = (language: string): string[] =>
  [...guides.join('\n').matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text = '']) => text,
  );

describe('the guides', () => {
  it.each([...blocks('markdown'), ...blocks('json')])('have valid manifests (example %#)', (text) => {
    expect(parseManifest(text)).toMatchObject({ kind: 'ok' });
  });

  it('name every field of a manifest and none that does not exist', () => {
    const named = [...guide.matchAll(/^\| `([\w-]+)`/gm)].map(([, field = '']) => field);
    const told = [...named, 'kind', 'profile', 'body'];
    expect(told.toSorted()).toEqual(Object.keys(ManifestSchema.shape).toSorted());
  });

  it.each(pages)('%s links only to what exists', (page) => {
    const broken = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(path.join(path.dirname(page), target)));
    expect(broken).toEqual([]);
  });

  it('point only to files that exist', () => {
    const broken = pages.flatMap((page) =>
      [
        ...readFileSync(page, 'utf8').matchAll(
          /`((?:shared|functions|factory|cli|web|local|infra|scripts|test|docs)\/[\w./-]+\.\w+)`/g,
        ),
      ]
        .map(([, file = '']) => file)
        .filter((file) => !existsSync(file))
        .map((file) => `${page}: ${file}`),
    );
    expect(broken).toEqual([]);
  });
});
