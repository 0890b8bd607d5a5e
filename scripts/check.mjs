// Everything that can be said of the code without running it: types, lint (with the import rules of the layout), format,
// dead code, stale generated docs. All of them run; each says passed or failed; exit code 1 if any failed.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const checks = [
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware', '--deny-warnings'] },
  { name: 'format', command: [bin('biome'), 'check', '--error-on-warnings', '.'] },
  { name: 'dead code', command: [bin('knip'), '--no-progress', '--treat-config-hints-as-errors'] },
  { name: 'generated docs', command: [bin('node'), 'scripts/generate-docs.ts', '--check'] },
];

let passed = 0;
let failed = 0;
for (const { name, command } of checks) {
  const [file, ...args] = command;
  const started = Date.now();
  const result = spawnSync(file, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const isPassed = result.status === 0;
  if (isPassed) passed += 1;
  else failed += 1;
  console.log(`check ${name}: ${isPassed ? 'passed' : 'FAILED'} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
if (process.env.CHECK_REPORT) writeFileSync(process.env.CHECK_REPORT, JSON.stringify({ passed, failed }));
console.log(`${passed} checks passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
