import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerInMemory, type WholeAnswer } from '../../src/http/whole-answer.ts';
import { isFormatChanged } from '../../src/sources/changed-format.ts';
import { judgeFirms, mostRows } from '../../src/sources/firms-share.ts';
import { createNasaFirms } from '../../src/sources/nasa-firms.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll } from './scripted-http.ts';

const header =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight';
const good = '39.7596,-121.6219,328.4,0.39,0.36,2025-01-04,902,N,VIIRS,n,2.0NRT,298.2,4.53,D';
const bad = good.replace('4.53', 'x');

const answerOf = (text: string, bytes: number): WholeAnswer => {
  const whole = Buffer.from(text);
  return answerInMemory(
    Array.from({ length: Math.ceil(whole.length / bytes) }, (_, at) => whole.subarray(at * bytes, (at + 1) * bytes)),
  );
};

const redact = (text: string): string => text;

describe('mostRows', () => {
  it('is never less than the rows of an answer, whatever its blocks, its blank lines and its end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(good, bad, '')),
        fc.boolean(),
        fc.integer({ min: 1, max: 200 }),
        async (lines, ends, bytes) => {
          const text = [header, ...lines].join('\n') + (ends ? '\n' : '');
          const rows = lines.filter((line) => line !== '').length;
          const most = await mostRows(answerOf(text, bytes));
          expect(most).toBeGreaterThanOrEqual(rows);
          expect(most).toBeLessThanOrEqual(lines.length + 1);
        },
      ),
    );
  });
});

describe('judgeFirms', () => {
  it('says of every answer what its whole says, though it mostly stops early', async () => {
    const share = fc.constantFrom(0, 0.1, 0.5, 0.9, 1);
    const lines = fc.array(fc.constantFrom(good, bad, ''), { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(lines, share, fc.integer({ min: 50, max: 2000 }), async (rows, maxShare, bytes) => {
        const invalid = rows.filter((row) => row === bad).length;
        const total = rows.filter((row) => row !== '').length;
        const answer = answerOf(`${[header, ...rows].join('\n')}\n`, bytes);
        const said = await judgeFirms(answer, await mostRows(answer), maxShare, redact).then(
          () => false,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'format_changed' });
            return true;
          },
        );
        expect(said).toBe(isFormatChanged(total, invalid, maxShare));
      }),
      { numRuns: 300 },
    );
  });

  it('leaves an answer that is no CSV to whoever reads it', async () => {
    const answer = answerOf('Invalid MAP_KEY.\n'.repeat(50), 1000);
    await expect(judgeFirms(answer, 50, 0.5, redact)).resolves.toBeUndefined();
  });
});

describe('an answer of several pages', () => {
  const source = resolvedSource({
    type: 'nasa-firms',
    params: { mapKey: 'the-map-key', dataset: 'VIIRS_SNPP_NRT', bbox: [-125, 32, -114, 42], dayRange: 1 },
  });
  const poll = (lines: readonly string[]) => {
    const http = createScriptedHttp(() => `${[header, ...lines].join('\n')}\n`);
    return pollAll(createNasaFirms(source), source, http);
  };

  it('gives no page of it when too much of the whole is invalid, however good the first page is', async () => {
    const { pages, error } = await poll([...Array(5500).fill(good), ...Array(6000).fill(bad)]);
    expect(pages).toEqual([]);
    expect(error).toMatchObject({ code: 'format_changed' });
  });

  it('gives all of them when the whole is good enough, however bad the first page is', async () => {
    const { pages, error, invalid } = await poll([...Array(5500).fill(bad), ...Array(6000).fill(good)]);
    expect(error).toBeNull();
    expect(invalid).toHaveLength(5500);
    expect(pages.map((page) => page.isPart)).toEqual([true, true, true]);
  });

  it('leaves an answer of one page to whoever gets the page', async () => {
    const { pages, error } = await poll(Array(100).fill(bad));
    expect(error).toBeNull();
    expect(pages.map((page) => page.isPart)).toEqual([undefined]);
  });
});
