// The one mistake that a caller of a connector can make: giving it a source of another type.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';

/** `source_unsupported` for a source that came to the connector of another type. */
export const unsupported = (source: ResolvedSource, type: string): StreamManagerError =>
  new StreamManagerError(
    'source_unsupported',
    `source ${source.id} is of type ${source.type}: the connector ${type} cannot poll it`,
  );
