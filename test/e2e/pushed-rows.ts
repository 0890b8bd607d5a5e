// What a test pushes as somebody's own sender: batches of rows as JSON arrays and as NDJSON, some of them sent twice, with
// rows that are no records; a batch that was not answered with 202 is sent again, as a sender has to.
import { setTimeout as pause } from 'node:timers/promises';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { pushedKey } from '@stream-manager/testkit/accounting/natural-key';

/** What the source must say of the rows. */
export const pushParams = {
  token: '${TEST_PUSH_TOKEN}',
  id: 'number',
  time: 'taken_at',
  latitude: 'lat',
  longitude: 'lon',
  fields: { pushedNumber: 'number', gauge: 'gauge', levelM: { path: 'level_ft', unit: 'ft' } },
};
export const pushToken = 'token-of-the-sender-of-a-test';

/** A sender. */
export interface RowSender {
  /** Sends the next rows; resolves when they were taken. `addresses`: of the processes that run now. */
  send(count: number, addresses: () => readonly string[]): Promise<void>;
  expected(): readonly ExpectedRecord[];
  /** Rows that are no records, as the dead letters have them. */
  malformed(): readonly string[];
  /** What was answered, in order: statuses, 0 for no answer. */
  answers(): readonly number[];
}

const deadlineMs = 60_000;

/** Creates a sender whose rows are observed from `firstMs` on. */
export const createRowSender = (sourceId: string, firstMs: number): RowSender => {
  const expected: ExpectedRecord[] = [];
  const malformed: string[] = [];
  const answers: number[] = [];
  let next = 0;

  const post = async (body: string, type: string, address: string): Promise<number> => {
    try {
      const response = await fetch(`${address}/ingest/${sourceId}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${pushToken}`, 'content-type': type },
        body,
        signal: AbortSignal.timeout(15_000),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      // Killed, or not started yet: nobody has answered, and the sender cannot know what became of the rows.
      return 0;
    }
  };
  const untilTaken = async (body: string, type: string, addresses: () => readonly string[]): Promise<void> => {
    const endsAt = Date.now() + deadlineMs;
    for (let attempt = 0; Date.now() < endsAt; attempt += 1) {
      const all = addresses();
      const status = await post(body, type, all[attempt % all.length] ?? 'http://127.0.0.1:1');
      answers.push(status);
      if (status === 202) return;
      await pause(100);
    }
    throw new Error(`no poller took the rows in ${deadlineMs} ms; the last answers: ${answers.slice(-10).join(' ')}`);
  };

  return {
    expected: () => expected,
    malformed: () => malformed,
    answers: () => answers,
    send: async (count, addresses) => {
      const rows: string[] = [];
      for (let number = next; number < next + count; number += 1) {
        const observedAtMs = firstMs + number * 1000;
        const row = {
          number,
          taken_at: new Date(observedAtMs).toISOString(),
          gauge: `G${number % 7}`,
          level_ft: number % 100,
          lat: 38.5,
          lon: -121,
        };
        if (number % 25 === 3) {
          const broken = JSON.stringify({ ...row, taken_at: 'in the morning' });
          malformed.push(broken);
          rows.push(broken);
          continue;
        }
        rows.push(JSON.stringify(row));
        expected.push({
          kind: 'pushed',
          naturalKey: pushedKey(number),
          type: 'record',
          observedAt: row.taken_at,
          location: { latitude: 38.5, longitude: -121 },
          data: { pushedNumber: number, gauge: row.gauge, levelM: row.level_ft * 0.3048 },
          kafkaKey: row.gauge,
          eventTimeMs: observedAtMs,
          firstServedAt: observedAtMs,
          lastServedAt: observedAtMs,
          timesServed: 1,
        });
      }
      const isLines = (next / count) % 2 === 1;
      const body = isLines ? rows.map((row) => `${row}\n`).join('') : `[${rows.join(',')}]`;
      const type = isLines ? 'application/x-ndjson' : 'application/json';
      next += count;
      await untilTaken(body, type, addresses);
      // A sender that has lost the answer sends the same again.
      if (next % (3 * count) === 0) await untilTaken(body, type, addresses);
    },
  };
};
