import { compareServedWithStored } from '@stream-manager/testkit/accounting/compare';
import { formatComparison } from '@stream-manager/testkit/accounting/format-comparison';
import { describe, expect, it } from 'vitest';
import { servedRecords, storedCopy, topicOf } from './stored-copy.ts';

describe('a comparison as text', () => {
  it('is a table with one line per topic and a total', () => {
    const served = servedRecords(1200).filter((record) => record.kind === 'firms' || record.kind === 'station');
    const stored = served.map((record, at) => storedCopy(record, at));
    expect(formatComparison(compareServedWithStored({ served, stored, topicOf }))).toBe(
      [
        'topic          served  stored  missing  doubled  misplaced  foreign  different',
        'topic-firms     1,200   1,200        0        0          0        0          0',
        'topic-station   1,200   1,200        0        0          0        0          0',
        'total           2,400   2,400        0        0          0        0          0',
      ].join('\n'),
    );
  });

  it('shows a few examples of each finding, and no total for one topic', () => {
    const served = servedRecords(4).filter((record) => record.kind === 'firms');
    const [first, second] = served.map((record, at) => storedCopy(record, at));
    const stored = [first!, first!, { ...second!, key: null, timestamp: 1 }];
    const lines = formatComparison(compareServedWithStored({ served, stored, topicOf }), { examples: 1 }).split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^topic /),
      expect.stringMatching(/^topic-firms +4 +3 +2 +1 +0 +0 +1$/),
      `missing: ${served[2]!.naturalKey}`,
      `doubled: topic-firms[0]@0 record id ${first!.headers['record-id']} is stored more than once`,
      `different: topic-firms[0]@1 key: expected "${served[1]!.kafkaKey}", found null (and 1 more)`,
    ]);
  });
});
