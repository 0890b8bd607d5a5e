import { describe, expect, it } from 'vitest';
import { waitUntil } from '../src/wait-until.ts';

describe('waitUntil', () => {
  it('gives the first truthy value of the probe', async () => {
    let calls = 0;
    const value = await waitUntil('the third call', () => (++calls === 3 ? { calls } : null), { intervalMs: 1 });
    expect(value).toEqual({ calls: 3 });
  });

  it('takes an error of the probe as "not yet"', async () => {
    let calls = 0;
    const probe = async () => {
      calls += 1;
      if (calls < 3) throw new Error('not there');
      return calls;
    };
    expect(await waitUntil('a probe that stops failing', probe, { intervalMs: 1 })).toBe(3);
  });

  it('names what it waited for, the time and the last error when the time is up', async () => {
    const probe = () => {
      throw new Error('connection refused');
    };
    await expect(waitUntil('redis', probe, { timeoutMs: 20, intervalMs: 1 })).rejects.toThrow(
      'waited 20 ms in vain for redis; the last error was: connection refused',
    );
  });

  it('gives up on a probe that never answers', async () => {
    await expect(waitUntil('an answer', () => new Promise<never>(() => {}), { timeoutMs: 20 })).rejects.toThrow(
      'waited 20 ms in vain for an answer',
    );
  });

  it('throws the reason of the signal that ends it', async () => {
    const reason = new Error('asked to stop');
    const probe = () => new Promise<never>(() => {});
    const controller = new AbortController();
    const waiting = waitUntil('nothing', probe, { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(waitUntil('nothing', probe, { signal: controller.signal })).rejects.toBe(reason);
  });
});
