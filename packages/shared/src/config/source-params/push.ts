// `params` of push: who may send, how much at once, and what becomes of the rows.
import { z } from 'zod';
import { freeText, holdsVariable, wholeNumber } from '../fields.ts';
import { checkMapping, mappingKeys } from './mapping.ts';

export const pushParams = z
  .strictObject({
    token: freeText('Token that senders have to show; from the environment, `"${PUSH_TOKEN}"`.', 'a token').refine(
      (token) => holdsVariable(token) || token.length >= 16,
      { error: 'must have 16 characters or more' },
    ),
    maxBodyBytes: wholeNumber('A larger body, unpacked, is refused with 413.', {
      min: 1_024,
      max: 268_435_456,
      unit: 'bytes',
    }).default(10_485_760),
    maxRows: wholeNumber('A body of more rows is refused with 413.', {
      min: 1,
      max: 1_000_000,
      unit: 'rows',
    }).default(100_000),
    maxRequests: wholeNumber('Requests that a process works on at a time; more are refused with 429.', {
      min: 1,
      max: 1_000,
      unit: 'requests',
    }).default(8),
    ...mappingKeys,
  })
  .superRefine(checkMapping)
  .describe('Records that others send to StreamManager over HTTP.');
