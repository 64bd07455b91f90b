import type { RefObject } from 'react';
import type { JobFilter } from '../view/jobFilter.js';

interface Props {
  filter: JobFilter;
  products: readonly string[];
  inputRef: RefObject<HTMLInputElement | null>;
  onChange: (filter: JobFilter) => void;
}

/** Text and product. */
export function JobToolbar({ filter, products, inputRef, onChange }: Props) {
  // A product that was chosen stays in the list, even while it has no jobs.
  const choices = [...new Set([...products, ...(filter.product ? [filter.product] : [])])];
  return (
    <div className="toolbar" role="search">
      <label className="field search">
        <span className="sr-only">Filter jobs</span>
        <input
          ref={inputRef}
          type="search"
          placeholder="Filter by title, id, engine, factory, item"
          value={filter.text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            onChange({ ...filter, text: event.target.value });
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Escape' && event.key !== 'Enter') return;
            event.preventDefault();
            if (event.key === 'Escape') onChange({ ...filter, text: '' });
            event.currentTarget.blur();
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      {(choices.length > 1 || filter.product) && (
        <label className="field">
          <span className="sr-only">Product</span>
          <select
            value={filter.product ?? ''}
            onChange={(event) => {
              const { product: _, ...rest } = filter;
              onChange(event.target.value ? { ...rest, product: event.target.value } : rest);
            }}
          >
            <option value="">All products</option>
            {choices.map((product) => (
              <option key={product}>{product}</option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}
