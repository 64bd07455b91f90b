import { route } from '../lib/route.js';
import { getProduct } from '../operations/getProduct.js';

export const handler = route('getProduct', ({ deps, caller, input }) => getProduct(deps, caller, input));
