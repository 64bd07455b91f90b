import { route } from '../lib/route.js';
import { putProduct } from '../operations/putProduct.js';

export const handler = route('putProduct', ({ deps, caller, input }) => putProduct(deps, caller, input));
