import { waitUntil } from '@stream-manager/testkit/wait-until';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createFleetAct } from '../../src/fleet/fleet-act.ts';

const setup = () => {
  const lines: string[] = [];
  const state = {
    mayHold: true,
    runs: 0,
    attempts: 0,
    released: 0,
    act: async (_signal: AbortSignal): Promise<void> => {},
  };
  const fleetAct = createFleetAct(
    {
      lease: {
        hold: async () => {
          state.attempts += 1;
          return state.mayHold;
        },
        release: async () => {
          state.released += 1;
        },
      },
      act: async (signal) => {
        state.runs += 1;
        await state.act(signal);
      },
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) }),
    },
    { name: 'sweep', intervalMs: 5 },
  );
  return { fleetAct, state, lines, start: () => fleetAct.start(new AbortController().signal) };
};

describe('createFleetAct', () => {
  it('acts while it holds the lease, and not otherwise', async () => {
    const { fleetAct, state, start } = setup();
    state.mayHold = false;
    await start();
    await waitUntil('some tries', () => state.attempts > 3);
    expect(state.runs).toBe(0);
    state.mayHold = true;
    await waitUntil('the act', () => state.runs > 1);
    await fleetAct.stop();
    await fleetAct.stop();
    expect(state.released).toBe(1);
  });

  it('reports a failure once and goes on', async () => {
    const { fleetAct, state, start, lines } = setup();
    state.act = async () => {
      if (state.runs < 5) throw new Error('LOADING');
    };
    await start();
    await waitUntil('the act to work again', () => state.runs > 5);
    await fleetAct.stop();
    expect(lines).toEqual(['sweep failed; it is tried again', 'sweep works again']);
  });

  it('ends an act that runs, waits for it, and starts none after it', async () => {
    const { fleetAct, state, start, lines } = setup();
    let hasEnded = false;
    state.act = (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          hasEnded = true;
          reject(new Error('stopped'));
        });
      });
    await start();
    await waitUntil('the act', () => state.runs === 1);
    await fleetAct.stop();
    expect([hasEnded, state.runs, lines]).toEqual([true, 1, []]);
  });

  it('may be stopped before it starts', async () => {
    const { fleetAct, state } = setup();
    await fleetAct.stop();
    expect(state.runs).toBe(0);
  });
});
