import { allProducts } from '../../../shared/client/allProducts.js';
import { CATALOGUE_OWNER } from '../../../shared/contract/profile.js';
import { useControl } from '../control.js';
import { usePoll } from '../hooks/usePoll.js';

const POLL_MS = 60_000;

interface Props {
  /** A product, or `fleet` for the catalogue. */
  owner: string;
  onChange: (owner: string) => void;
}

/** Whose profiles are shown: those of the catalogue, or those that one product may use. */
export function ProductPicker({ owner, onChange }: Props) {
  const { client } = useControl();
  const { value = [] } = usePoll('products', (signal) => allProducts(client, { signal }), POLL_MS);
  // The one in the address is there before the list is, and also where the list cannot be had.
  const known = value.some(({ productId }) => productId === owner) || owner === CATALOGUE_OWNER;
  const products = known ? value : [{ productId: owner, name: owner }, ...value];
  return (
    <label className="field beside">
      <span>Profiles of</span>
      <select
        value={owner}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      >
        <option value={CATALOGUE_OWNER}>the catalogue</option>
        {products.map(({ productId, name }) => (
          <option key={productId} value={productId}>
            {name === productId ? name : `${name} (${productId})`}
          </option>
        ))}
      </select>
    </label>
  );
}
