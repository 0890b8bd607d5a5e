// The address of the fleet's metrics: JSON, or Prometheus' text format for whoever asks for text/plain.
import { Router } from 'express';
import { inTime } from '../api/in-time.ts';
import { renderMetrics, valueText } from './metric-families.ts';
import { type FleetMetricsDeps, readFleetMetrics } from './read-fleet-metrics.ts';

/** As Prometheus asks for it: without the version it would not count as the same. */
const textType = 'text/plain; version=0.0.4';

/** Creates the router, to be mounted at `/api/metrics`. */
export const createFleetMetricsRoute = (deps: FleetMetricsDeps): Router => {
  const router = Router();
  router.get('/', async (request, response) => {
    const { processes, families } = await inTime(readFleetMetrics(deps));
    const kind = request.accepts(['json', textType, 'text']);
    if (kind !== false && kind !== 'json') {
      const missing = processes.flatMap(({ id, role, error }) =>
        error === null ? [] : [`# ${role} ${id} is not in: ${error.replaceAll(/\s+/g, ' ')}\n`],
      );
      response.type(`${textType}; charset=utf-8`).send(`${missing.join('')}${renderMetrics(families)}`);
      return;
    }
    const metrics = families.map((family) => ({
      ...family,
      // JSON has no NaN and no infinity.
      samples: family.samples.map(({ value, ...sample }) => ({
        ...sample,
        value: Number.isFinite(value) ? value : valueText(value),
      })),
    }));
    response.json({ processes, metrics });
  });
  return router;
};
