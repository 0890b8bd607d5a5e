// Which sources this process works on: all of the fleet, or those that SOURCES names. Disabled ones too, and those that
// are gone from the config: what is queued of them is still published.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';

/** The chosen source ids, in the order of `all`. Throws `config_invalid` for a name that is neither in the config nor was in an earlier one. */
export const chosenSources = (all: readonly string[], wanted: string | undefined): readonly string[] => {
  const names = (wanted ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) return all;
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new StreamManagerError(
      'config_invalid',
      `SOURCES names ${unknown.map((name) => `"${name}"`).join(', ')}, which the config does not have: expected some of ${all.join(', ')}`,
    );
  return all.filter((id) => names.includes(id));
};
