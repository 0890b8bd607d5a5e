// A command that is for one source looks first whether there is such a one, so that a slip of the pen is told the nearest.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import type { OperatorApi } from './operator-api.ts';
import { unknownSource } from './unknown-source.ts';

/** The stream of that id. Throws a sentence that names the nearest one. */
export const findSource = async (api: Pick<OperatorApi, 'streams'>, sourceId: string): Promise<StreamAnswer> => {
  const streams = await api.streams();
  const found = streams.find(({ id }) => id === sourceId);
  if (found !== undefined) return found;
  throw unknownSource(
    sourceId,
    streams.map(({ id }) => id),
  );
};
