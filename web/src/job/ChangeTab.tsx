import type { JobView } from '../../../shared/contract/view.js';
import { reportParts } from '../../../shared/eventText.js';
import { parseAnsi } from '../view/ansi.js';
import { formatDuration } from '../view/time.js';
import { CopyButton } from '../parts/CopyButton.js';
import { AnsiText } from './AnsiText.js';
import { ChangeSize } from './ChangeSize.js';

/** Where the change went that somebody should look at. */
const SCOPE_ROWS = [
  { list: 'outside', label: 'Outside its scope' },
  { list: 'shared', label: 'Shared packages' },
  { list: 'gates', label: 'Its own checks' },
] as const;

/** The branch, what changed on it, and what the verify command and its reports said. */
export function ChangeTab({ job }: { job: JobView }) {
  const { change, verify } = job;
  const reports = verify && reportParts(verify).join(' · ');
  return (
    <div className="panel-body">
      {change ? (
        <section aria-label="Change">
          <dl className="facts">
            <div>
              <dt>Branch</dt>
              <dd>
                <code>{change.branch}</code> <CopyButton text={() => change.branch} label="Copy" />
              </dd>
            </div>
            <div>
              <dt>Commit</dt>
              <dd>
                <code title={change.commit}>{change.commit.slice(0, 12)}</code>{' '}
                <span className="muted">on {change.baseCommit.slice(0, 12)}</span>
              </dd>
            </div>
            {job.mergeCommit && (
              <div>
                <dt>Merged</dt>
                <dd>
                  <code title={job.mergeCommit}>{job.mergeCommit.slice(0, 12)}</code> into{' '}
                  <code>{job.manifest['base-branch']}</code>
                </dd>
              </div>
            )}
            {change.pullRequest && (
              <div>
                <dt>Pull request</dt>
                <dd>
                  <a href={change.pullRequest.url} rel="noreferrer">
                    #{change.pullRequest.number}
                  </a>
                </dd>
              </div>
            )}
            {SCOPE_ROWS.filter(({ list }) => (change.scope?.[list].length ?? 0) > 0).map(
              ({ list, label }) => (
                <div key={list}>
                  <dt>{label}</dt>
                  <dd className={list === 'outside' ? 'bad-text' : 'warn-text'}>
                    {change.scope?.[list].join(', ')}
                  </dd>
                </div>
              ),
            )}
            <div>
              <dt>Size</dt>
              <dd>
                <ChangeSize change={change} />
              </dd>
            </div>
          </dl>
          <ul className="files">
            {change.filesChanged.map((file) => (
              <li key={file}>
                <code>{file}</code>
              </li>
            ))}
          </ul>
        </section>
      ) : (
        <p className="muted">No change yet: the branch appears here when the engine is done.</p>
      )}
      {verify ? (
        <section aria-label="Verify">
          <h3 className="section-title">
            Verify{' '}
            <span className={verify.passed ? 'good-text' : 'bad-text'}>
              {verify.passed ? 'passed' : 'failed'}
            </span>
            <span className="muted">
              {' '}
              in {formatDuration(verify.durationMs)}, exit code {verify.exitCode ?? 'none'}
            </span>
          </h3>
          {reports && (
            <p className="test-report" aria-label="Test reports">
              {reports}
            </p>
          )}
          {verify.tests && verify.tests.failures.length > 0 && (
            <ul className="files" aria-label="Tests that failed">
              {verify.tests.failures.map((name) => (
                <li key={name} className="bad-text">
                  <code>{name}</code>
                </li>
              ))}
            </ul>
          )}
          <pre className="output" tabIndex={0} aria-label="The end of its output">
            <span className="prompt">$ {verify.command}</span>
            {'\n'}
            {verify.tail.split('\n').map((line, index) => (
              <span key={index}>
                <AnsiText segments={parseAnsi(line)} query="" />
                {'\n'}
              </span>
            ))}
          </pre>
        </section>
      ) : (
        <p className="muted">
          {(job.manifest.verify ?? job.profile?.spec['default-verify'])
            ? `Verify has not run yet: ${job.manifest.verify ?? job.profile?.spec['default-verify']}`
            : 'The job has no verify command: a reviewer is its gate.'}
        </p>
      )}
    </div>
  );
}
