import { useRef, useState, type SubmitEvent } from 'react';
import { profileText } from '../../../shared/contract/profileText.js';
import type { ProfileView } from '../../../shared/contract/view.js';
import { useControl } from '../control.js';
import { Dialog } from '../parts/Dialog.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { failureOf, type Failure } from '../view/failure.js';
import { lineRange } from '../view/manifestText.js';

interface Props {
  /** Whose version is written: the catalogue, or a product, which then has one of its own. */
  owner: string;
  /** What is edited: the newest version. */
  profile: ProfileView;
  onClose: () => void;
  onSaved: (profile: ProfileView) => void;
}

/** Edits a profile as the file that it is. A version that somebody else wrote meanwhile is never overwritten. */
export function ProfileEditor({ owner, profile, onClose, onSaved }: Props) {
  const { client } = useControl();
  // As it was when the editor was opened: a newer one is refused, not hidden.
  const [base] = useState(profile);
  const [text, setText] = useState(() => profileText(profile.spec));
  const isChanged = text !== profileText(base.spec);
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const area = useRef<HTMLTextAreaElement>(null);
  const { name, version, productId } = base;

  const save = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      const body = {
        profile: text,
        basedOn: productId === owner ? version : 0,
        ...(note.trim() !== '' && { note: note.trim() }),
      };
      onSaved(await client.putProfile({ params: { owner, name }, body }));
    } catch (error) {
      setFailure(failureOf(error));
      setBusy(false);
    }
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    void save();
  };
  const goTo = (line: number): void => {
    const { start, end } = lineRange(text, line);
    area.current?.focus();
    area.current?.setSelectionRange(start, end);
  };
  return (
    <Dialog title={`Edit ${name}, version ${version}`} onClose={onClose} wide>
      <form className="new-job" onSubmit={onSubmit}>
        {productId !== owner && (
          <p className="muted">
            {owner} gets a profile of its own, which hides the catalogue’s for its jobs alone.
          </p>
        )}
        <label className="field stacked grow">
          <span>Front matter above the persona</span>
          <textarea
            ref={area}
            required
            data-focus
            rows={18}
            value={text}
            spellCheck={false}
            onChange={(event) => {
              setText(event.target.value);
            }}
          />
        </label>
        <label className="field stacked">
          <span>Why, for the record</span>
          <input
            value={note}
            maxLength={1000}
            onChange={(event) => {
              setNote(event.target.value);
            }}
          />
        </label>
        {failure && <FailureNotice failure={failure} onGoTo={goTo} />}
        <div className="actions">
          <span className="muted">Jobs in flight keep the version that they have.</span>
          <span className="spacer" />
          <button type="button" className="button" onClick={onClose}>
            Discard
          </button>
          <button type="submit" className="button primary" disabled={busy || !isChanged}>
            {busy ? 'Saving …' : `Save as version ${productId === owner ? version + 1 : 1}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
