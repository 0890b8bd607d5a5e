import { describe, expect, it } from 'vitest';
import { readWork } from '../../src/queues/read-work.ts';
import { numberedRecords, openProducer, type ProducerBundle, sourceId } from '../producer-bundle.ts';

const read = async (producer: ProducerBundle, nowMs = Date.now()) =>
  (await readWork(producer.redis, producer.config.redis.keyPrefix, [sourceId, 'another'], nowMs)).get(sourceId);

const nothing = { hasRecords: false, hasCritical: false, hasLetters: false, isPaused: false };

describe('readWork', () => {
  it('finds nothing where there is nothing', async () => {
    await using producer = await openProducer();
    expect(await read(producer)).toEqual(nothing);
  });

  it('sees records, and whether some are critical', async () => {
    await using producer = await openProducer();
    await producer.enqueue(numberedRecords(0, 3));
    expect(await read(producer)).toEqual({ ...nothing, hasRecords: true });
    await producer.enqueue(numberedRecords(3, 3), { priority: 1 });
    expect(await read(producer)).toEqual({ ...nothing, hasRecords: true, hasCritical: true });
  });

  it('sees a job that a dead worker holds, although its chunk is settled', async () => {
    await using producer = await openProducer();
    const prefix = `${producer.config.redis.keyPrefix}:{${sourceId}}:records.${sourceId}`;
    await producer.redis.lpush(`${prefix}:active`, 'left');
    expect(await read(producer)).toEqual({ ...nothing, hasRecords: true });
  });

  it('sees letters that can run, delayed ones when their time has come', async () => {
    await using producer = await openProducer();
    const job = await producer.deadLetters.add('dead-letter', {}, { jobId: 'letter', delay: 60_000 });
    expect(await read(producer)).toEqual(nothing);
    expect(await read(producer, Date.now() + 61_000)).toEqual({ ...nothing, hasLetters: true });
    await job.promote();
    expect(await read(producer)).toEqual({ ...nothing, hasLetters: true });
  });

  it('sees no work in a queue that is paused in Bull Board, until it is resumed', async () => {
    await using producer = await openProducer();
    await producer.enqueue(numberedRecords(0, 3), { priority: 1 });
    await producer.deadLetters.add('dead-letter', {}, { jobId: 'letter' });
    const all = { ...nothing, hasRecords: true, hasCritical: true, hasLetters: true };
    expect(await read(producer)).toEqual(all);
    await producer.records.pause();
    expect(await read(producer)).toEqual({ ...nothing, hasLetters: true });
    await producer.deadLetters.pause();
    expect(await read(producer)).toEqual(nothing);
    await Promise.all([producer.records.resume(), producer.deadLetters.resume()]);
    expect(await read(producer)).toEqual(all);
  });

  it("sees the operator's pause", async () => {
    await using producer = await openProducer();
    await producer.redis.hset(`${producer.config.redis.keyPrefix}:{${sourceId}}:state`, 'paused', '1');
    expect(await read(producer)).toEqual({ ...nothing, isPaused: true });
  });
});
