import { route } from '../lib/route.js';
import { pauseProduct } from '../operations/pauseProduct.js';

export const handler = route('pauseProduct', ({ deps, caller, input }) => pauseProduct(deps, caller, input));
