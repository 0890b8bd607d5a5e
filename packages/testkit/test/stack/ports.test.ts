import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isPortFree, pickPort } from '../../src/stack/ports.ts';

const all = async (): Promise<boolean> => true;

describe('pickPort', () => {
  it.each<{ name: string; preferred: number[]; busy: number[]; taken: number[]; expected: number }>([
    { name: 'the preferred port when it is free', preferred: [25_000], busy: [], taken: [], expected: 25_000 },
    { name: 'another when it is busy', preferred: [25_000], busy: [25_000], taken: [], expected: 30_001 },
    { name: 'another when it is taken already', preferred: [25_000], busy: [], taken: [25_000], expected: 30_001 },
    { name: 'a random one without a preference', preferred: [], busy: [], taken: [], expected: 30_001 },
    { name: 'the first random one that is free', preferred: [], busy: [30_001, 30_002], taken: [], expected: 30_003 },
  ])('takes $name', async ({ preferred, busy, taken, expected }) => {
    let next = 30_000;
    const isFree = async (port: number): Promise<boolean> => !busy.includes(port);
    const random = (): number => (next += 1);
    expect(await pickPort(preferred, new Set(taken), isFree, random)).toBe(expected);
  });

  it('stays below the ports that systems give to outgoing connections', async () => {
    const ports = await Promise.all(Array.from({ length: 500 }, async () => pickPort([], new Set(), all)));
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  it('gives up when no port is free', async () => {
    await expect(pickPort([], new Set(), async () => false)).rejects.toThrow('no free port');
  });
});

describe('isPortFree', () => {
  it('tells whether something listens', async () => {
    const server = createServer();
    const port = await pickPort([], new Set(), isPortFree);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    expect(await isPortFree(port)).toBe(false);
    server.close();
    await once(server, 'close');
    expect(await isPortFree(port)).toBe(true);
  });
});
