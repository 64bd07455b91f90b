import type { JobView } from '../../../shared/contract/view.js';
import { CopyButton } from '../parts/CopyButton.js';
import { manifestFacts } from '../view/manifestText.js';

/** What was asked for, as it was stored: defaults filled in, never changed since. */
export function ManifestTab({ job }: { job: JobView }) {
  return (
    <div className="panel-body">
      <dl className="facts">
        {manifestFacts(job.manifest).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </div>
        ))}
      </dl>
      <h3 className="section-title">
        {job.engine === 'shell' ? 'Script' : 'Prompt'}
        <CopyButton text={() => job.manifest.body} label="Copy" />
      </h3>
      <pre className="output wrap" tabIndex={0} aria-label="Body of the job">
        {job.manifest.body}
      </pre>
    </div>
  );
}
