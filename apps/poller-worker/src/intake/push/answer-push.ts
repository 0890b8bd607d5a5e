// Which answer a push gets. Pure: the routes say what happened, this says what the sender is told, and when it may come again.
import type { PageAdmission, Shortage } from '../../admission/admission.ts';

/** An answer: its status, its JSON, and the seconds after which the sender may try again (null: trying again does not help). */
export interface PushAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | null;
}

const refusal = (status: number, error: string, retryAfterSeconds: number | null = null): PushAnswer => ({
  status,
  body: { error },
  retryAfterSeconds,
});

/** Room comes as fast as a queue drains; memory and dead letters need somebody to look after them. */
const shortageSeconds = { room: 5, memory: 10, letters: 60 } as const satisfies Record<Shortage['by'], number>;

/** What there is to say when rows were not even looked at. */
export const refusals = {
  unknownSource: refusal(404, 'There is no source of type push with this id.'),
  noToken: refusal(401, 'Authorization: Bearer <token> is missing or wrong.'),
  disabled: refusal(409, 'The source is disabled.', 300),
  paused: refusal(503, 'The source is paused or stopped by an operator.', 30),
  draining: refusal(503, 'This process is stopping.', 5),
  redisAway: refusal(503, 'Redis cannot be reached; nothing is taken until it is back.', 5),
  tooManyRequests: refusal(429, 'As many requests as are worked on at a time (params.maxRequests) are under way.', 1),
  noMemory: refusal(
    429,
    'Redis is nearly full; nothing is taken until the queues have drained.',
    shortageSeconds.memory,
  ),
  late: refusal(503, 'The rows were not stored in time. Send them again: those that are in are known.', 5),
} as const;

/** A body that cannot be taken. */
export const refuseBody = (status: 400 | 413 | 415, error: string): PushAnswer => refusal(status, error);

/** What became of the rows. `invalid`: rows that are no records. */
export const answerOf = (end: PageAdmission, invalid: number): PushAnswer => {
  if (end.status === 'stopped') return refusals.draining;
  if (end.status === 'no_room')
    return refusal(
      429,
      `Not all rows are in: ${end.shortage.reason}. Send them again: those that are in are known.`,
      shortageSeconds[end.shortage.by],
    );
  if (end.isRefused === true)
    return refusal(
      429,
      'Not all rows are in: the queue is full. Send them again: those that are in are known.',
      shortageSeconds.room,
    );
  const { accepted, duplicates } = end;
  return { status: 202, body: { accepted, duplicates, invalid }, retryAfterSeconds: null };
};
