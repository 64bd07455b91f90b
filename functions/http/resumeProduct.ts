import { route } from '../lib/route.js';
import { resumeProduct } from '../operations/pauseProduct.js';

export const handler = route('resumeProduct', ({ deps, caller, input }) =>
  resumeProduct(deps, caller, input),
);
