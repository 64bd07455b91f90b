import type { RunView } from '../../../shared/contract/view.js';
import { useState } from 'react';
import { useControl } from '../control.js';
import { CopyButton } from '../parts/CopyButton.js';
import { fetchKept, formatBytes, keptFiles, type KeptFile } from '../view/artifacts.js';

/** Digits of a checksum that tell files apart; all of them stand in the title. */
const SHOWN_DIGITS = 12;

/** The files that runs kept, each with its size and checksum; a click fetches it and holds it against that. */
export function ArtifactList({ jobId, runs }: { jobId: string; runs: readonly RunView[] }) {
  const { client } = useControl();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState<KeptFile>();
  const files = keptFiles(runs);
  if (files.length === 0)
    return (
      <p className="muted">
        No run has kept a file yet: the manifest’s <code>artifacts</code> says which are kept.
      </p>
    );

  const download = async (file: KeptFile): Promise<void> => {
    setFailure(undefined);
    setBusy(file);
    try {
      const url = URL.createObjectURL(new Blob([await fetchKept(client, jobId, file)]));
      const link = document.createElement('a');
      link.href = url;
      link.download = file.path.split('/').at(-1) ?? file.path;
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(undefined);
    }
  };

  return (
    <section aria-label="Artifacts">
      <h3 className="section-title">
        Artifacts <span className="muted">{files.length}</span>
      </h3>
      <ul className="files">
        {files.map((file) => (
          <li key={`${file.epoch} ${file.path}`}>
            <button
              type="button"
              className="link"
              disabled={busy === file}
              onClick={() => {
                void download(file);
              }}
            >
              <code>{file.path}</code>
            </button>{' '}
            <span className="muted">
              {formatBytes(file.bytes)} · run {file.epoch} ·{' '}
              <code title={file.sha256}>sha256 {file.sha256.slice(0, SHOWN_DIGITS)}</code>
            </span>{' '}
            <CopyButton text={() => file.sha256} label="Copy checksum" />
          </li>
        ))}
      </ul>
      {failure !== undefined && (
        <p className="bad-text" role="alert">
          {failure}
        </p>
      )}
    </section>
  );
}
