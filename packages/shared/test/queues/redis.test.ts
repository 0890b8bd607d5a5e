import { describe, expect, it } from 'vitest';
import { parseRedisInfo, redisFaults, safeAddress } from '../../src/queues/redis.ts';

const info = (fields: Record<string, string>): string =>
  Object.entries({
    redis_version: '7.2.4',
    maxmemory_policy: 'noeviction',
    aof_enabled: '1',
    used_memory: '100',
    maxmemory: '0',
    total_system_memory: '1000',
    ...fields,
  })
    .map(([name, value]) => `${name}:${value}`)
    .join('\r\n');

describe('the check of Redis', () => {
  it.each([
    { name: 'a safe one', fields: {}, faults: [] },
    { name: 'an old one', fields: { redis_version: '6.0.16' }, faults: [/older than 6\.2/] },
    { name: 'one that evicts', fields: { maxmemory_policy: 'allkeys-lru' }, faults: [/noeviction/] },
    { name: 'one without AOF', fields: { aof_enabled: '0' }, faults: [/appendonly yes/] },
    {
      name: 'one with every fault',
      fields: { redis_version: '5.0.0', maxmemory_policy: 'volatile-ttl', aof_enabled: '0' },
      faults: [/older/, /noeviction/, /appendonly/],
    },
  ])('says of $name what is wrong with it', ({ fields, faults }) => {
    const found = redisFaults(parseRedisInfo(info(fields)));
    expect(found).toHaveLength(faults.length);
    for (const [index, pattern] of faults.entries()) expect(found[index]).toMatch(pattern);
  });

  it('takes the memory of the machine when maxmemory is 0', () => {
    expect(parseRedisInfo(info({})).memoryLimit).toBe(1000);
    expect(parseRedisInfo(info({ maxmemory: '500' })).memoryLimit).toBe(500);
  });

  it('never shows user and password of an address', () => {
    expect(safeAddress('redis://user:secret@host.example:6380/1')).toBe('host.example:6380');
    expect(safeAddress('nonsense')).not.toContain('nonsense');
  });
});
