#!/usr/bin/env node
// Plain JavaScript, so that it can say what to do where the project is not built yet.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write('aq is not built yet: run `npm run build` in its folder first.\n');
  process.exitCode = 1;
}
