// The dead letter of a row that is no record: kept with its reason, once, under an id that its bytes alone decide.

import { type DeadLetter, deadLetterJobId } from '@stream-manager/shared/queues/dead-letters';
import { payloadVersion } from '@stream-manager/shared/records/payload';
import type { Redactor } from '../http/secrets.ts';
import type { AdmissibleRow } from './prepare.ts';
import { idText } from './record-id.ts';

/** Code of these letters, in the API, the metrics and `streamctl`. */
export const invalidRowCode = 'invalid_row';

/** Makes the letter. `at`: ISO 8601, when the row was seen. A provider may echo a secret: it is cut from all that is kept. */
export const letterOf = (
  row: AdmissibleRow,
  seen: { readonly sourceId: string; readonly pollId: string; readonly at: string },
  cutSecrets: Redactor,
): DeadLetter => ({
  jobId: deadLetterJobId(idText(row.id), row.hash, 0),
  data: {
    sourceId: seen.sourceId,
    code: invalidRowCode,
    reason: cutSecrets(`${row.reason}: ${row.message}`),
    topic: null,
    raw: cutSecrets(row.raw),
    ...(row.context === undefined ? {} : { rawContext: cutSecrets(row.context) }),
    ...(row.isIncomplete === true ? { rawIsIncomplete: true } : {}),
    attempts: [],
    firstFailedAt: seen.at,
    lastFailedAt: seen.at,
    pollId: seen.pollId,
    payloadVersion,
    replays: 0,
  },
});
