import { createHash } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { fetchKept, formatBytes, keptFiles } from '../../../web/src/view/artifacts.js';

const bytes = Buffer.from('0123456789');
const file = {
  epoch: 2,
  path: 'out/report.bin',
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
};

/** Answers in pieces of four bytes, as the route does with its own size. */
const pieces = (content: Buffer) => {
  const asked: number[] = [];
  return {
    asked,
    getArtifact: async ({ query }: { query: { path: string; offset?: number } }) => {
      const offset = query.offset ?? 0;
      asked.push(offset);
      const end = Math.min(content.length, offset + 4);
      const base64 = content.subarray(offset, end).toString('base64');
      return { ...file, base64, ...(end < content.length && { nextOffset: end }) };
    },
  };
};

describe('a file that a run kept', () => {
  it('is put together of its pieces', async () => {
    const client = pieces(bytes);
    expect(Buffer.from(await fetchKept(client, 'job-0000000000000000', file))).toEqual(bytes);
    expect(client.asked).toEqual([0, 4, 8]);
  });

  it('is not handed out when it is not what the run reported', async () => {
    await expect(fetchKept(pieces(Buffer.from('012345678x')), 'job-0000000000000000', file)).rejects.toThrow(
      'out/report.bin does not have the checksum that run 2 reported',
    );
  });

  it('is listed with the newest run first', () => {
    const one = { ...file, path: 'b' };
    const other = { ...file, path: 'a' };
    const runs = [{ epoch: 1, artifacts: [one] }, { epoch: 3 }, { epoch: 2, artifacts: [one, other] }];
    expect(keptFiles(runs).map(({ epoch, path }) => `${epoch} ${path}`)).toEqual(['2 a', '2 b', '1 b']);
  });
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KB'],
  [300 * 1024, '300 KB'],
  [16 * 1024 * 1024, '16 MB'],
])('%i bytes are %s', (count, words) => {
  expect(formatBytes(count)).toBe(words);
});
