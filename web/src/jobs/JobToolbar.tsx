import type { RefObject } from 'react';
import type { ProductSummary } from '../../../shared/contract/fleet.js';
import { ProductSelect } from '../parts/ProductSelect.js';
import type { JobFilter } from '../view/jobFilter.js';

interface Props {
  filter: JobFilter;
  products: readonly ProductSummary[];
  inputRef: RefObject<HTMLInputElement | null>;
  onChange: (filter: JobFilter) => void;
}

/** Text and product. */
export function JobToolbar({ filter, products, inputRef, onChange }: Props) {
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
      {(products.length > 1 || filter.product) && (
        <label className="field">
          <span className="sr-only">Product</span>
          <ProductSelect
            products={products}
            value={filter.product ?? ''}
            none={{ value: '', text: 'All products' }}
            onChange={(product) => {
              const { product: _, ...rest } = filter;
              onChange(product ? { ...rest, product } : rest);
            }}
          />
        </label>
      )}
    </div>
  );
}
