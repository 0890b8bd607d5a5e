// Config section `polling`: limits of a poller process.
import { z } from 'zod';
import { wholeNumber } from '../fields.ts';

export const pollingSchema = z
  .strictObject({
    concurrency: wholeNumber(
      'Polls that one poller process runs at a time. At most half of them (one at least) serve one host, so that a slow provider leaves the rest to the others.',
      {
        min: 1,
        max: 1_000,
        unit: 'polls',
      },
    ).default(32),
    maxResponseBytes: wholeNumber(
      'Size of an answer, unpacked, beyond which a poll fails. Answers in CSV lie in a temporary file (TMPDIR) from 16 MiB on until they are used up; answers in JSON are in memory as a whole.',
      {
        min: 1_024,
        max: 4_294_967_296,
        unit: 'bytes',
      },
    ).default(67_108_864),
    cacheMaxBytes: wholeNumber(
      'Memory that all answers in the response cache may take in Redis, over the whole fleet; the oldest make room. See `cacheTtlSeconds`.',
      {
        min: 0,
        max: 4_294_967_296,
        unit: 'bytes',
      },
    ).default(67_108_864),
  })
  .describe('Limits of each poller process.')
  .prefault({});
