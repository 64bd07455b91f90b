// Builds what the factory's container needs and nothing else: the factory and what is shared.
import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';

const config = { extends: './tsconfig.build.json', include: ['shared', 'factory'] };
writeFileSync('tsconfig.container.json', JSON.stringify(config));
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.container.json'], {
  stdio: 'inherit',
});
copyFileSync('shared/topology.json', 'dist/shared/topology.json');
