import { expect, it } from 'vitest';
import { createHealth } from '../../src/ops/health.ts';

it('is not ready while a component is at fault; notes on components and sources leave it ready', () => {
  const health = createHealth();
  expect(health.report()).toMatchObject({ ready: false, phase: 'starting' });
  health.setPhase('ready');
  health.setNote('redis', 'nearly full');
  health.setSourceNote('fires', 'waits');
  expect(health.report()).toEqual({
    ready: true,
    phase: 'ready',
    problems: {},
    notes: { redis: 'nearly full' },
    sources: { fires: 'waits' },
  });
  health.setProblem('redis', 'not connected');
  expect(health.report()).toMatchObject({ ready: false, problems: { redis: 'not connected' } });
  health.setProblem('redis', null);
  health.setNote('redis', null);
  health.setSourceNote('fires', null);
  expect(health.report()).toMatchObject({ ready: true, problems: {}, notes: {}, sources: {} });
});
