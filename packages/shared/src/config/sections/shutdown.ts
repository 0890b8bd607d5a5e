// Config section `shutdown`: how long a process may take to end.
import { z } from 'zod';
import { wholeNumber } from '../fields.ts';

export const shutdownSchema = z
  .strictObject({
    graceMs: wholeNumber(
      'Time from SIGTERM until a process ends with what it then has in hand given back. A second signal ends it at once.',
      {
        min: 0,
        max: 600_000,
        unit: 'milliseconds',
      },
    ).default(25_000),
  })
  .describe('How a process ends.')
  .prefault({});
