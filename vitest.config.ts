import os from 'node:os';
import { defineConfig } from 'vitest/config';

// .ci/run names a file for the machine-readable report.
const report = process.env.VITEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/bench/**'],
    // Most of an end-to-end test is waiting for the product's processes: two files at a time even on two cores.
    maxWorkers: Math.max(2, os.availableParallelism() - 1),
    // Room for a busy machine; what never ends is seen all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report ? ['default', 'json'] : ['default'],
    ...(report ? { outputFile: { json: report } } : {}),
  },
});
