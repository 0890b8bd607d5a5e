// @platformatic/kafka, loaded when a port is made with it: it brings 60 MB and 0.3 s that processes with kafkajs do not
// pay (m). Only what the package exports is used, and of that its connections and requests; not its Producer and Admin
// (docs/decisions/0009-platformatic-adapter.md).
import { createRequire } from 'node:module';
import type * as PlatformaticModule from '@platformatic/kafka';

const require = createRequire(import.meta.url);

/** The package. */
export type Platformatic = typeof PlatformaticModule;

/** Loads the package; Node keeps it from then on. */
export const loadPlatformatic = (): Platformatic =>
  // `require` knows no types; it is the package that the type names.
  require('@platformatic/kafka') as Platformatic;
