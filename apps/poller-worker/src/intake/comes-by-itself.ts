// The poll of a source whose records come by themselves: there is nothing to fetch.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Source } from '../sources/source.ts';

/** A poll that says so. */
export const comesByItself =
  ({ id, type }: Pick<ResolvedSource, 'id' | 'type'>): Source['poll'] =>
  () => {
    throw new StreamManagerError(
      'source_unsupported',
      `sources.${id} is of type ${type}: its records come by themselves`,
    );
  };
