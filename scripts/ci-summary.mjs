// Adds up what `npm test` and `npm run check` reported and ends with the line that CI reads. A run that reported
// nothing, or that failed without a failed test (a crash, a broken set-up), counts as one failure.
import { existsSync, readFileSync } from 'node:fs';

const [testsExit = '1', checksExit = '1'] = process.argv.slice(2);
const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);

const tests = read('test-report.json');
const checks = read('check-report.json');
const skipped = (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0);
const passed = (tests?.numPassedTests ?? 0) + (checks?.passed ?? 0);
let failed = (tests?.numFailedTests ?? 0) + (checks?.failed ?? 0);
if (failed === 0 && (testsExit !== '0' || tests === null || passed === 0)) failed += 1;
if (failed === 0 && (checksExit !== '0' || checks === null)) failed += 1;
if (skipped > 0) console.log(`${skipped} tests were skipped: a skipped test counts as failed here`);
failed += skipped;

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
