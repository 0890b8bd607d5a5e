// Source types and their connectors. A new type is one file and one line here.
import type { SourceType } from '@stream-manager/shared/config/source-types';
import type { Extensions } from '@stream-manager/shared/extensions/extensions';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { createMqtt } from '../intake/mqtt/message-reader.ts';
import { createPush } from '../intake/push/push-reader.ts';
import { createAirNow } from './airnow.ts';
import { createCustom } from './custom.ts';
import { createHttp } from './http.ts';
import { createMetar } from './metar.ts';
import { createNasaFirms } from './nasa-firms.ts';
import { createNoaaAlerts } from './noaa-alerts.ts';
import { createNoaaForecasts } from './noaa-forecasts.ts';
import { createNoaaStations } from './noaa-stations.ts';
import { createPurpleAir } from './purpleair.ts';
import type { SourceFactory } from './source.ts';

/** Finds the connector of a type; throws `source_unsupported` for a type that this build has none for. */
export type SourceRegistry = (type: string) => SourceFactory;

/** The connectors of this build. */
export const createSourceRegistry = (
  deps: { readonly logger?: Logger; readonly extensions?: Extensions; readonly variables?: readonly string[] } = {},
): SourceRegistry => {
  const factories = {
    'nasa-firms': createNasaFirms,
    'noaa-stations': createNoaaStations(deps),
    'noaa-alerts': createNoaaAlerts,
    'noaa-forecasts': createNoaaForecasts(deps),
    purpleair: createPurpleAir,
    airnow: createAirNow(deps),
    metar: createMetar,
    http: createHttp(deps),
    mqtt: createMqtt,
    push: createPush,
    custom: createCustom(deps),
  } satisfies Record<SourceType, SourceFactory>;
  const byType = new Map<string, SourceFactory>(Object.entries(factories));
  return (type) => {
    const factory = byType.get(type);
    if (factory !== undefined) return factory;
    throw new StreamManagerError(
      'source_unsupported',
      `no connector for source type ${type}; there are: ${[...byType.keys()].join(', ')}`,
    );
  };
};
