import { route } from '../lib/route.js';
import { listProducts } from '../operations/listProducts.js';

export const handler = route('listProducts', ({ deps, caller, input }) => listProducts(deps, caller, input));
