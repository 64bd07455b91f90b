import { useEffect, useState } from 'react';

const SHOWN_MS = 1500;

/** Copies what `text` gives at the moment of the click, and says so. */
export function CopyButton({
  text,
  label,
  className = 'button small',
}: {
  text: () => string;
  label: string;
  className?: string;
}) {
  const [outcome, setOutcome] = useState<string>();
  useEffect(() => {
    if (!outcome) return undefined;
    const timer = setTimeout(() => {
      setOutcome(undefined);
    }, SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      setOutcome('Copied');
    } catch {
      setOutcome('Not allowed here');
    }
  };
  return (
    <button type="button" className={className} onClick={() => void copy()}>
      <span aria-live="polite">{outcome ?? label}</span>
    </button>
  );
}
