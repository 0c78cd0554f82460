import { describe, expect, it } from 'vitest';
import { byKey } from '../src/table/order';
import { random } from './naive';

describe('order by a small key', () => {
  const r = random(5);
  const keys = Uint16Array.from({ length: 3000 }, () =>
    r() < 0.1 ? 65535 : r() < 0.05 ? 65534 : Math.floor(r() * 300),
  );
  const rows = Uint32Array.from({ length: 2000 }, (_, i) => 2999 - i);
  const naive = (down: boolean) =>
    [...rows].sort((a, b) => {
      const [x, y] = [keys[a]!, keys[b]!];
      if (x === 65535 || y === 65535) return Number(x === 65535) - Number(y === 65535);
      return down ? y - x : x - y;
    });
  it.each([true, false])('is that of a stable sort, with what is not known last (down: %s)', (down) => {
    const got = rows.slice();
    byKey(got, (i) => keys[i]!, down);
    expect([...got]).toEqual(naive(down));
  });
  it('takes no rows at all', () => {
    expect(() => byKey(new Uint32Array(0), () => 0, true)).not.toThrow();
  });
});
