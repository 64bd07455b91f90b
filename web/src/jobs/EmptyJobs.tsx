import { CopyButton } from '../parts/CopyButton.js';

const COMMAND = 'npx aq submit job.md';

interface Props {
  filtered: boolean;
  onClear: () => void;
  onCreate: () => void;
}

/** An empty list, with what to do about it. */
export function EmptyJobs({ filtered, onClear, onCreate }: Props) {
  if (filtered)
    return (
      <div className="empty">
        <h2>No job fits the filter</h2>
        <button type="button" className="button" onClick={onClear}>
          Show all <kbd>Esc</kbd>
        </button>
      </div>
    );
  return (
    <div className="empty">
      <h2>No jobs yet</h2>
      <p className="muted">
        A job is a prompt with a few lines of front matter. Label an issue in your tracker, submit a file from
        the command line, or write one here.
      </p>
      <div className="command">
        <code>{COMMAND}</code>
        <CopyButton text={() => COMMAND} label="Copy" />
      </div>
      <button type="button" className="button primary" onClick={onCreate}>
        New job <kbd>n</kbd>
      </button>
    </div>
  );
}
