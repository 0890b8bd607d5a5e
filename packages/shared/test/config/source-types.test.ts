import { sourceSchema } from '@stream-manager/shared/config/schema';
import { variantsOf } from '@stream-manager/shared/config/shape';
import { isPolledType, sourceTypes } from '@stream-manager/shared/config/source-types';
import { describe, expect, it } from 'vitest';

describe('source types', () => {
  it('are those of the schema, in its order', () => {
    expect([...variantsOf(sourceSchema).keys()]).toEqual([...sourceTypes]);
  });

  it('are polled but for those whose records come by themselves', () => {
    expect(sourceTypes.filter((type) => !isPolledType(type))).toEqual(['mqtt', 'push']);
  });
});
