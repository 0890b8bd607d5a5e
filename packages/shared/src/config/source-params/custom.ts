// `params` of type custom: a source of the user's own, whose connector is a module that the config names.
import { z } from 'zod';
import { fieldFacts } from '../fields.ts';
import { modulePath } from '../module-path.ts';

export const customParams = z
  .strictObject({
    module: modulePath.describe(
      'Module whose default export makes the source; its path is relative to this file (docs/adding-a-source.md).',
    ),
    options: z
      .record(z.string(), z.unknown())
      .describe(
        'Whatever the module wants to know. A value under a name that looks like a secret (`apiKey`, `token`, `password`) is masked in logs.',
      )
      .register(fieldFacts, { expects: 'a map' })
      .default({}),
  })
  .describe('A source of your own: one file that implements the source port.');
