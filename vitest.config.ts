// Three kinds of tests, told apart by file name. `*.test.ts` needs nothing and runs in parallel; `*.int.test.ts` needs the
// real Redis and Kafka, which one stack serves for the whole run; `*.e2e.test.ts` are whole-system drills: they come last
// and one file at a time, since they start many processes. A run without int and e2e files starts no servers.
import { defineConfig } from 'vitest/config';

const roots = ['{apps,packages}/*/test', 'test', 'demo/test', 'bench/test'];
const filesOf = (ending: string): string[] => roots.map((root) => `${root}/**/*${ending}`);

export default defineConfig({
  test: {
    reporters: ['default', 'json'],
    outputFile: { json: 'test-report.json' },
    teardownTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: filesOf('.test.ts'),
          exclude: ['**/node_modules/**', ...filesOf('.int.test.ts'), ...filesOf('.e2e.test.ts')],
          testTimeout: 10_000,
          hookTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'int',
          include: filesOf('.int.test.ts'),
          globalSetup: './test/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: filesOf('.e2e.test.ts'),
          globalSetup: './test/global-setup.ts',
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
