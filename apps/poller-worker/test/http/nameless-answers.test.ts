import { expect, it } from 'vitest';
import { createNamelessAnswers } from '../../src/http/nameless-answers.ts';

it('is believed for ten minutes from when it was last seen, for the source and request alone', () => {
  let now = 0;
  const answers = createNamelessAnswers(() => now);
  answers.add('a', 'r');
  expect([answers.has('a', 'r'), answers.has('b', 'r'), answers.has('a', 's')]).toEqual([true, false, false]);
  now = 599_999;
  expect(answers.has('a', 'r')).toBe(true);
  now = 600_000;
  expect(answers.has('a', 'r')).toBe(false);
  answers.add('a', 'r');
  expect(answers.has('a', 'r')).toBe(true);
  answers.delete('a', 'r');
  expect(answers.has('a', 'r')).toBe(false);
});

it('is bounded: the oldest is forgotten first', () => {
  const answers = createNamelessAnswers(() => 0);
  for (let at = 0; at <= 5_000; at++) answers.add('a', `${at}`);
  expect([answers.has('a', '0'), answers.has('a', '1'), answers.has('a', '5000')]).toEqual([false, true, true]);
});
