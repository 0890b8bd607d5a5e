import { describe, expect, it } from 'vitest';
import { streamState } from '../../src/queues/source-state.ts';

const none = { polls: null, paused: false } as const;

describe('the state of a stream', () => {
  it.each([
    { name: 'an enabled source', flags: none, inConfig: true, enabled: true, recordsHeld: 5, state: 'running' },
    {
      name: 'a stopped one',
      flags: { ...none, polls: 'stopped' },
      inConfig: true,
      enabled: true,
      recordsHeld: 5,
      state: 'stopped',
    },
    {
      name: 'a paused and stopped one',
      flags: { polls: 'stopped', paused: true },
      inConfig: true,
      enabled: true,
      recordsHeld: 0,
      state: 'paused',
    },
    {
      name: 'a disabled one that was started',
      flags: { ...none, polls: 'started' },
      inConfig: true,
      enabled: false,
      recordsHeld: 0,
      state: 'running',
    },
    { name: 'a disabled one', flags: none, inConfig: true, enabled: false, recordsHeld: 0, state: 'disabled' },
    {
      name: 'a disabled one with records',
      flags: none,
      inConfig: true,
      enabled: false,
      recordsHeld: 1,
      state: 'retiring',
    },
    {
      name: 'one that is gone from the config',
      flags: { ...none, polls: 'started' },
      inConfig: false,
      enabled: false,
      recordsHeld: 1,
      state: 'retiring',
    },
  ] as const)('of $name is $state', ({ state, name: _name, ...facts }) => {
    expect(streamState(facts)).toBe(state);
  });
});
