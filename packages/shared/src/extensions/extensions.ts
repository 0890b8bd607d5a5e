// What a process has loaded of the user's own: modes by the path in the config, and makers of sources by source id.
import type { Mode } from './mode.ts';

/** The default export of a source's module; what it makes is looked at by the poller, which knows the source port. */
export type OwnSourceModule = (given: unknown) => unknown;

/** The modules of one process. */
export interface Extensions {
  /** By the path as the config has it. */
  readonly modes: ReadonlyMap<string, Mode>;
  /** By source id; absent: its source is disabled and its module cannot be loaded, or this process polls nothing. */
  readonly sources: ReadonlyMap<string, OwnSourceModule>;
  /** By source id: hash of the file of its module, without what that imports. Another one may read the same answer in another way. */
  readonly sourceVersions?: ReadonlyMap<string, string>;
}

/** For a process without modules of the user's own. */
export const noExtensions: Extensions = { modes: new Map(), sources: new Map() };
