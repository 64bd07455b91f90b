/** Files that runs kept: which there are, and fetching one whole. */
import type { Client } from '../../../shared/client.js';
import type { Artifact } from '../../../shared/contract/job.js';
import type { RunView } from '../../../shared/contract/view.js';

export interface KeptFile extends Artifact {
  readonly epoch: number;
}

/** The newest run's first, each in the order of the paths. */
export const keptFiles = (runs: readonly Pick<RunView, 'epoch' | 'artifacts'>[]): KeptFile[] =>
  runs
    .toSorted((one, other) => other.epoch - one.epoch)
    .flatMap(({ epoch, artifacts = [] }) =>
      artifacts
        .map((artifact) => ({ ...artifact, epoch }))
        .toSorted((one, other) => one.path.localeCompare(other.path)),
    );

const UNITS = ['B', 'KB', 'MB', 'GB'] as const;

/** `1.5 KB`, with 1024 bytes to the KB. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${UNITS[power]}`;
}

/**
 * The content of a file, whole.
 * @throws AppError of the client; Error when it does not have the checksum that its run reported
 */
export async function fetchKept(
  client: Pick<Client, 'getArtifact'>,
  jobId: string,
  { epoch, path, bytes, sha256 }: KeptFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(bytes);
  for (let offset: number | undefined = 0; offset !== undefined;) {
    const { base64, nextOffset } = await client.getArtifact({
      params: { jobId, epoch },
      query: { path, offset },
    });
    content.set(
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
      offset,
    );
    offset = nextOffset;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256)
    throw new Error(
      `${path} does not have the checksum that run ${epoch} reported: it was changed since, or cut off`,
    );
  return content;
}
