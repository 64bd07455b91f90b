import type { ProductSummary } from '../../../shared/contract/fleet.js';

interface Props {
  products: readonly ProductSummary[];
  /** A product's id, or `none.value`. */
  value: string;
  /** What stands before the products: all of them, the catalogue, or that one is to be chosen (with an empty value). */
  none: { readonly value: string; readonly text: string };
  /** An empty value is not taken. */
  required?: boolean;
  /** The dialog's first focus. */
  focused?: boolean;
  onChange: (productId: string) => void;
}

/** Which product: the one selector of the console. Its label stands around it. */
export function ProductSelect({ products, value, none, required, focused, onChange }: Props) {
  // The one in the address is there before the list is, and also where the list cannot be had.
  const known = value === none.value || products.some(({ productId }) => productId === value);
  const choices = known ? products : [{ productId: value, name: value }, ...products];
  return (
    <select
      required={required}
      data-focus={focused || undefined}
      value={value}
      onChange={(event) => {
        onChange(event.target.value);
      }}
    >
      <option value={none.value}>{none.text}</option>
      {choices.map(({ productId, name }) => (
        <option key={productId} value={productId}>
          {name === productId ? name : `${name} (${productId})`}
        </option>
      ))}
    </select>
  );
}
