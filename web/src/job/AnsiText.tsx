import { Fragment, type ReactNode } from 'react';
import type { Segment } from '../view/ansi.js';

/** Wraps each occurrence of the query, whatever its case. */
function highlighted(text: string, query: string): ReactNode {
  if (query === '') return text;
  const wanted = query.toLowerCase();
  const lower = text.toLowerCase();
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return parts;
}

/** One line with its colours and the matches of a search. Plain text gets no element: a log has many lines. */
export function AnsiText({ segments, query }: { segments: readonly Segment[]; query: string }) {
  return segments.map((segment, index) =>
    segment.style === '' ? (
      <Fragment key={index}>{highlighted(segment.text, query)}</Fragment>
    ) : (
      <span key={index} className={segment.style}>
        {highlighted(segment.text, query)}
      </span>
    ),
  );
}
