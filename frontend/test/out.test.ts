import { expect, it } from 'vitest';
import { size } from '../src/out/words';

it('sizes are said with two or three figures', () => {
  expect([0, 40, 999, 9_940, 15_200, 152_000, 999_600, 1_500_000, 23_000_000, 2_340_000_000].map(size)).toEqual([
    '0.1 kB',
    '0.1 kB',
    '1.0 kB',
    '9.9 kB',
    '15 kB',
    '152 kB',
    '1,000 kB',
    '1.5 MB',
    '23 MB',
    '2.3 GB',
  ]);
});
