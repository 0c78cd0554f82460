import { expect, it } from 'vitest';
import { layers } from '../src/lib/mvt';

/** message writes fields as protocol buffers: numbers, texts, or bytes. */
function message(...fields: [number, number | string | number[]][]): number[] {
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
  return fields.flatMap(([no, v]) => {
    if (typeof v === 'number') return [...varint(no * 8), ...varint(v)];
    const bytes = typeof v === 'string' ? [...new TextEncoder().encode(v)] : v;
    return [...varint(no * 8 + 2), ...varint(bytes.length), ...bytes];
  });
}

it('reads layers of points with texts and whole numbers', () => {
  const feature = message([1, 5_000_000_000], [2, [0, 0, 1, 1]], [3, 1], [4, [9, 0x80, 0x20, 0x80, 0x10]]);
  const incidents = message(
    [1, 'incidents'],
    [2, feature],
    [3, 'event_type'],
    [3, 'count'],
    [4, message([1, '<b>خیبر</b>'])],
    [4, message([5, 300])],
    [5, 4096],
    [15, 2],
  );
  const empty = message([1, 'badges'], [15, 2]);
  expect(layers(Uint8Array.from(message([3, incidents], [3, empty])))).toEqual({
    incidents: [{ id: 5_000_000_000, x: 0.5, y: 0.25, p: { event_type: '<b>خیبر</b>', count: 300 } }],
    badges: [],
  });
  expect(layers(new Uint8Array(0))).toEqual({});
  expect(() => layers(Uint8Array.of(0x0d, 0, 0, 0, 0))).toThrow();
});
