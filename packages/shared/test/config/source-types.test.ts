import { sourceSchema } from '@stream-manager/shared/config/schema';
import { variantsOf } from '@stream-manager/shared/config/shape';
import {
  isPolledType,
  sourceTypes,
  supportedSourceTypes,
  unsupportedSources,
} from '@stream-manager/shared/config/source-types';
import { describe, expect, it } from 'vitest';

describe('source types', () => {
  it('are those of the schema, in its order', () => {
    expect([...variantsOf(sourceSchema).keys()]).toEqual([...sourceTypes]);
  });

  it('are polled but for those whose records come by themselves', () => {
    expect(sourceTypes.filter((type) => !isPolledType(type))).toEqual(['mqtt', 'push']);
  });

  it('without a connector are refused by name while they are enabled', () => {
    const sources = {
      a: { type: 'nasa-firms', enabled: true },
      b: { type: 'mqtt', enabled: true },
      c: { type: 'http', enabled: false },
    } as const;
    expect(unsupportedSources(sources)).toEqual([
      `sources.b: type mqtt has no connector in this version (it has ${supportedSourceTypes.join(', ')}). Set enabled: false, or remove the source`,
    ]);
  });
});
