import { useRef, useState, type SubmitEvent } from 'react';
import type { ProductSummary } from '../../../shared/contract/fleet.js';
import type { Explanation } from '../../../shared/contract/explanation.js';
import { isStranded } from '../../../shared/contract/prospects.js';
import { useControl } from '../control.js';
import type { Poll } from '../hooks/usePoll.js';
import { Dialog } from '../parts/Dialog.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { ProductSelect } from '../parts/ProductSelect.js';
import { jobPath, navigate } from '../router.js';
import { failureOf, type Failure } from '../view/failure.js';
import { EXAMPLE_MANIFEST, lineRange } from '../view/manifestText.js';
import { StrandedDialog } from './StrandedDialog.js';

const LAST_PRODUCT = 'gigafactory.product';

interface Props {
  products: Poll<readonly ProductSummary[]>;
  /** The one that the table shows. */
  product: string | undefined;
  onClose: () => void;
}

/** Submits a manifest as text; what does not fit is listed and one click away in the text. */
export function NewJobDialog({ products, product, onClose }: Props) {
  const { client } = useControl();
  const [chosen, setChosen] = useState<string>();
  // Not kept as state: the products may become known while the dialog is open.
  const target = chosen ?? product ?? usual(products.value) ?? '';
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [stranded, setStranded] = useState<Explanation>();
  const area = useRef<HTMLTextAreaElement>(null);

  const submit = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      const { job } = await client.submitJob({ body: { productId: target, text } });
      sessionStorage.setItem(LAST_PRODUCT, target);
      // Told here and now: on its way nobody would say it, and it would wait for ever.
      const explanation = await client.explainJob({ params: { jobId: job.jobId } }).catch(() => undefined);
      if (job.stage === 'queued' && explanation && isStranded(explanation)) {
        setStranded(explanation);
        return;
      }
      onClose();
      navigate(jobPath(job.jobId));
    } catch (error) {
      setFailure(failureOf(error));
      setBusy(false);
    }
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    void submit();
  };
  const goTo = (line: number): void => {
    const { start, end } = lineRange(text, line);
    area.current?.focus();
    area.current?.setSelectionRange(start, end);
  };
  const readFile = async (file: File | undefined): Promise<void> => {
    if (file) setText(await file.text());
  };

  if (stranded) return <StrandedDialog explanation={stranded} onClose={onClose} />;
  return (
    <Dialog title="New job" onClose={onClose} wide>
      <form className="new-job" onSubmit={onSubmit}>
        <label className="field stacked">
          <span>Product</span>
          <ProductSelect
            required
            focused={target === ''}
            products={products.value ?? []}
            value={target}
            none={{ value: '', text: products.value || products.failure ? 'Choose a product' : 'Loading …' }}
            onChange={setChosen}
          />
        </label>
        {products.failure && !products.value && (
          <FailureNotice failure={products.failure} onRetry={products.refresh} />
        )}
        {products.value?.length === 0 && (
          <p className="muted">
            There is no product yet that you may look at. An admin makes one:{' '}
            <code>npx aq product put FILE -p ID</code>
          </p>
        )}
        <label className="field stacked grow">
          <span>Markdown with front matter, or JSON</span>
          <textarea
            ref={area}
            required
            data-focus={target !== '' || undefined}
            rows={14}
            value={text}
            placeholder={EXAMPLE_MANIFEST}
            spellCheck={false}
            onChange={(event) => {
              setText(event.target.value);
            }}
            onDrop={(event) => {
              const file = event.dataTransfer.files[0];
              if (!file) return;
              event.preventDefault();
              void readFile(file);
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.metaKey || event.ctrlKey))
                event.currentTarget.form?.requestSubmit();
            }}
          />
        </label>
        {failure && <FailureNotice failure={failure} onGoTo={goTo} />}
        <div className="actions">
          <label className="button">
            Open a file
            <input
              type="file"
              className="sr-only"
              accept=".md,.markdown,.json,.txt,text/*"
              onChange={(event) => void readFile(event.target.files?.[0])}
            />
          </label>
          {text === '' && (
            <button
              type="button"
              className="button"
              onClick={() => {
                setText(EXAMPLE_MANIFEST);
              }}
            >
              Use the example
            </button>
          )}
          <span className="spacer" />
          <button type="button" className="button" onClick={onClose}>
            Discard
          </button>
          <button type="submit" className="button primary" disabled={busy}>
            {busy ? 'Submitting…' : 'Submit'} <kbd>Ctrl ↵</kbd>
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The last one that was submitted to, or the only one: where there are several, none is taken by an oversight. */
function usual(products: readonly ProductSummary[] = []): string | undefined {
  const last = sessionStorage.getItem(LAST_PRODUCT);
  const choices = products.length === 1 ? products : products.filter(({ productId }) => productId === last);
  return choices[0]?.productId;
}
