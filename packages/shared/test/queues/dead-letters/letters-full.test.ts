import { describe, expect, it } from 'vitest';
import { lettersFull } from '../../../src/queues/dead-letters/letter-stock.ts';

const limits = { maxRecords: 100_000, maxBytes: 1_000_000 };

describe('the limits of dead letters', () => {
  it.each([
    { name: 'below both', stock: { letters: 99_999, bytes: 999_999 } },
    { name: 'no letter, whatever the counter says', stock: { letters: 0, bytes: 2_000_000 } },
  ])('leave a source alone with $name', ({ stock }) => {
    expect(lettersFull(stock, limits)).toBeNull();
  });

  it('name how many lie there, how many may, and what to do', () => {
    expect(lettersFull({ letters: 100_000, bytes: 1 }, limits)).toBe(
      '100,000 dead letters of 100,000 allowed (delivery.deadLetters.maxRecords): replay or discard some (streamctl dead-letters, or Bull Board)',
    );
    expect(lettersFull({ letters: 7, bytes: 1_000_000 }, limits)).toBe(
      'dead letters take 1,000,000 bytes of 1,000,000 allowed (delivery.deadLetters.maxBytes): replay or discard some (streamctl dead-letters, or Bull Board)',
    );
  });

  it('are half of themselves for records that a full queue dropped, whatever letters take the half', () => {
    const full = (letters: number, bytes: number) => lettersFull({ letters, bytes }, limits, 'half');
    expect(full(49_999, 499_999)).toBeNull();
    expect(full(50_000, 1)).toBe(
      '50,000 dead letters of 100,000 allowed (delivery.deadLetters.maxRecords), of which dropped records may fill half: replay or discard some (streamctl dead-letters, or Bull Board)',
    );
    expect(full(7, 500_000)).toContain(
      '500,000 bytes of 1,000,000 allowed (delivery.deadLetters.maxBytes), of which dropped records may fill half:',
    );
    // Half of one is none.
    expect(lettersFull({ letters: 0, bytes: 0 }, { ...limits, maxRecords: 1 }, 'half')).not.toBeNull();
  });
});
