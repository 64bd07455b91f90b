import { profileText } from '../../../shared/contract/profileText.js';
import type { ProfileView } from '../../../shared/contract/view.js';
import { lineDiff, nearChanges } from '../view/lineDiff.js';

const SIGNS = { same: ' ', gone: '−', new: '+', cut: ' ' } as const;

/** What a version changed, line by line, against the one before it. */
export function VersionChange({ before, after }: { before: ProfileView; after: ProfileView }) {
  const lines = nearChanges(lineDiff(profileText(before.spec), profileText(after.spec)));
  return (
    <section>
      <h3>
        Version {before.version} → {after.version}
      </h3>
      <pre className="output diff" tabIndex={0} aria-label={`What version ${after.version} changed`}>
        {lines.map(({ kind, text }, at) => (
          // Lines have no identity of their own, and never move.
          // oxlint-disable-next-line react/no-array-index-key
          <span key={at} className={`diff-line ${kind}`}>
            {SIGNS[kind]} {text}
            {'\n'}
          </span>
        ))}
      </pre>
    </section>
  );
}
