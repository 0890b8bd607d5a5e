// Thousands of random acts on a real Redis, compared with a model and with an account of every record after each one.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runHistory } from './chunk-store-history.ts';
import { operation, sizes } from './chunk-store-operations.ts';

it('the store does what the model does, and the invariants hold after every act', { timeout: 60_000 }, async () => {
  const histories = fc.array(operation, { minLength: 20, maxLength: 160, size: 'max' });
  // About 4,500 acts in 4 s; the limit is for machines that are much slower or busier.
  const runs = { numRuns: 60, interruptAfterTimeLimit: 30_000 };
  await expect(fc.assert(fc.asyncProperty(sizes, histories, runHistory), runs)).resolves.toBeUndefined();
});
