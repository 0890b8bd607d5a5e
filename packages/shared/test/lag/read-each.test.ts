import { describe, expect, it } from 'vitest';
import { createEachReader, parallelReads } from '../../src/lag/read-each.ts';

const never = new AbortController().signal;
const names = (count: number, prefix = 'n'): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const away = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

/** What is asked for; names that begin with `silent` are never answered unless `answers` is called. */
const setup = (waitMs = 50) => {
  const asked: string[] = [];
  const open: (() => void)[] = [];
  const ask = async (name: string): Promise<string> => {
    asked.push(name);
    if (name.startsWith('silent')) await new Promise<void>((resolve) => open.push(resolve));
    return name.toUpperCase();
  };
  const answers = async (): Promise<void> => {
    for (const resolve of open.splice(0)) resolve();
    await new Promise(setImmediate);
  };
  return { asked, ask, answers, reader: createEachReader(waitMs) };
};

describe('a reading of many things', () => {
  it('gives every answer by name, and every failure', async () => {
    const { reader, ask } = setup();
    const readings = await reader.read(
      names(100),
      async (name) => {
        if (name === 'n7') throw new Error('no');
        return ask(name);
      },
      never,
    );
    expect(readings.size).toBe(100);
    expect(readings.get('n99')).toEqual({ value: 'N99' });
    expect(readings.get('n7')).toMatchObject({ failure: { message: 'no' } });
  });

  it('waits for what is silent only so long, and reads all else however much is silent', async () => {
    const { reader, ask, asked } = setup();
    const silent = names(4 * parallelReads, 'silent');
    const readings = await reader.read([...silent, ...names(20)], ask, never);
    expect([...readings.values()].filter((reading) => 'value' in reading)).toHaveLength(20);
    for (const name of silent)
      expect(readings.get(name)).toMatchObject({ failure: { message: 'Kafka: no answer within 50 ms' } });
    expect(asked).toHaveLength(4 * parallelReads + 20);
  });

  it('does not ask again for what is still under way, says the same of it, and asks again after its end', async () => {
    const { reader, ask, asked, answers } = setup();
    const first = await reader.read(['silent', 'a'], ask, never);
    const second = await reader.read(['silent', 'a'], ask, never);
    expect(asked).toEqual(['silent', 'a', 'a']);
    expect(second).toEqual(first);
    // What comes too late is of an earlier reading.
    await answers();
    await reader.read(['silent'], ask, never);
    expect(asked).toEqual(['silent', 'a', 'a', 'silent']);
  });

  it('gives the rest the same failure once nothing but outages was answered', async () => {
    const { reader, asked } = setup();
    const readings = await reader.read(
      names(1_000),
      async (name) => {
        asked.push(name);
        throw away();
      },
      never,
    );
    expect(asked).toHaveLength(parallelReads);
    expect(readings.size).toBe(1_000);
    expect(readings.get('n999')).toMatchObject({ failure: { code: 'ECONNREFUSED' } });
  });

  it.each([
    { name: 'one thing was answered', ofFirst: async () => 'here' },
    { name: 'one thing failed for itself', ofFirst: () => Promise.reject(new Error('not allowed')) },
  ])('asks for all of them if $name', async ({ ofFirst }) => {
    const { reader, asked } = setup();
    await reader.read(
      names(100),
      async (name) => {
        asked.push(name);
        if (name === 'n0') return ofFirst();
        throw away();
      },
      never,
    );
    expect(asked).toHaveLength(100);
  });

  it('ends as soon as it is stopped, and asks for nothing more', async () => {
    const { reader, ask, asked, answers } = setup(60_000);
    const stopping = new AbortController();
    const reading = reader.read(names(100, 'silent'), ask, stopping.signal);
    stopping.abort(new Error('stopped'));
    await expect(reading).rejects.toThrow('stopped');
    await answers();
    expect(asked).toHaveLength(parallelReads);
    await expect(reader.read(['a'], ask, stopping.signal)).rejects.toThrow('stopped');
    expect(asked).toHaveLength(parallelReads);
  });
});
