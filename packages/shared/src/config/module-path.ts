// The path of a module of the user's own, as it stands in a config: relative to the config file, or absolute.
import { z } from 'zod';
import { fieldFacts } from './fields.ts';

/** A path that begins with ./, ../ or /, of a file that Node loads as it is. */
export const modulePath = z
  .string()
  .max(1_000)
  .regex(/^(\.{1,2}\/|\/).*\.(ts|mts|js|mjs)$/)
  .register(fieldFacts, {
    expects: 'the path of a module: it begins with ./, ../ or / and ends in .ts, .mts, .js or .mjs',
    example: './my-source.ts',
  });
