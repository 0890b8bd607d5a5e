// The dead letter of a row that is no record: kept with its reason, once, under an id that its bytes alone decide.

import type { ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import { type DeadLetter, deadLetterJobId } from '@stream-manager/shared/queues/dead-letters';
import type { InvalidRow } from '@stream-manager/shared/records/envelope';
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

/** The letter of a row that was parsed again and still is no record: the old one's, with the reason of now. */
export const againLetterOf = (
  fault: InvalidRow,
  row: ReparseJobData,
  at: string,
  cutSecrets: Redactor,
): { readonly data: DeadLetter['data'] } => ({
  data: {
    sourceId: row.sourceId,
    code: row.code,
    reason: cutSecrets(`${fault.reason}: ${fault.message}`),
    topic: null,
    raw: row.raw,
    ...(row.rawContext === '' ? {} : { rawContext: row.rawContext }),
    attempts: [],
    firstFailedAt: row.firstFailedAt,
    lastFailedAt: at,
    pollId: row.pollId,
    payloadVersion,
    replays: row.replays + 1,
  },
});
