import { describe, expect, it } from 'vitest';
import { formatManifest } from '../../cli/manifestFormat.js';
import { parseManifest } from '../../shared/manifest.js';

const messy = `---
# soon
priority:   high
capabilities: [ os:linux,   node>=20 ]   # for the tests
engine:  "claude"
title: Fix it
---
Fix the build.


`;

describe('a formatted job file', () => {
  it('has its fields in the usual order and its comments where they belong', () => {
    expect(formatManifest(messy)).toBe(`---
title: Fix it
engine: "claude"
capabilities: [os:linux, node>=20] # for the tests
# soon
priority: high
---
Fix the build.
`);
  });

  it.each([
    ['front matter', messy],
    ['JSON', '{"body":"x","priority":"low","engine":"shell"}'],
    ['a bare prompt', 'Just do it.'],
    ['CRLF', '---\r\npriority: low\r\nengine: shell\r\n---\r\necho hi\r\n'],
  ])('means the same as before, and stays as it is the second time: %s', (_, text) => {
    const once = formatManifest(text);
    expect(formatManifest(once)).toBe(once);
    const meaning = (file: string) => {
      const parsed = parseManifest(file);
      if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
      return { ...parsed.manifest, body: parsed.manifest.body.trim() };
    };
    expect(meaning(once)).toEqual(meaning(text));
  });
});
