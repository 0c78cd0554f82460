import { describe, expect, it } from 'vitest';
import { Decoder, NOT_REPORTED, Table } from '../src/lib/columns';
import { NO_TYPE, Spot } from '../src/lib/vocab';
import { header, random } from './naive';

const pad = (n: number) => (n + 3) & ~3;

/** encode writes rows (newest first) as docs/api.md describes it. */
function encode(h: object, blocks: number[][]): Uint8Array {
  let head = JSON.stringify(h);
  while (new TextEncoder().encode(head).length % 4) head += ' ';
  const parts: Uint8Array[] = [new TextEncoder().encode('SRHD')];
  const u32 = (v: number) => new Uint8Array(Uint32Array.of(v).buffer);
  const bytes = new TextEncoder().encode(head);
  parts.push(u32(1), u32(bytes.length), bytes);
  const put = (a: Uint32Array | Uint16Array | Float32Array | Uint8Array) => {
    const b = new Uint8Array(pad(a.byteLength));
    b.set(new Uint8Array(a.buffer));
    parts.push(b);
  };
  for (const days of blocks) {
    const n = days.length;
    parts.push(u32(n));
    put(Uint32Array.from(days, (d) => d * 10));
    put(Uint16Array.from(days));
    put(Uint16Array.from(days, (_, i) => i % 3));
    put(Float32Array.from(days, (_, i) => (i % 2 ? Number.NaN : 70.5)));
    put(Float32Array.from(days, (_, i) => (i % 2 ? Number.NaN : 33.5)));
    for (let k = 0; k < 3; k++) put(Uint16Array.from(days, (d) => (d % 5 ? d % 7 : NOT_REPORTED)));
    put(Uint8Array.from(days, (_, i) => (i % 2 ? 255 : 0))); // unit
    put(Uint8Array.from(days, (_, i) => (i % 4 === 3 ? 255 : i % 3))); // type
    put(Uint8Array.from(days, () => 1)); // precision
    put(Uint8Array.from(days, (_, i) => [0, 2, 5, 7][i % 4]!)); // place
    put(Uint8Array.from(days, () => 0)); // dataset
    put(Uint8Array.from(days, (_, i) => (i % 3 === 2 ? 255 : 0))); // area
    put(Uint8Array.from(days, () => 0)); // verification
    put(Uint8Array.from(days, (_, i) => i % 4)); // flags
  }
  const out = new Uint8Array(parts.reduce((s, p) => s + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

describe('columns', () => {
  const blocks = [[500, 499, 499, 480, 470], [460, 459, 300], [], [200]];
  const h = header(9);
  const bytes = encode(h, blocks);
  const read = (sizes: () => number) => {
    let table: Table | null = null;
    const d = new Decoder(
      (hd) => {
        table = new Table(hd);
      },
      (b) => table!.prepend(b),
    );
    for (let i = 0; i < bytes.length; ) {
      const n = sizes();
      d.push(bytes.slice(i, i + n));
      i += n;
    }
    d.end();
    table!.close();
    return table! as Table;
  };

  it('come out ascending, however the bytes are cut', () => {
    const r = random(5);
    for (const sizes of [() => 1e6, () => 1, () => 7, () => 1 + Math.floor(r() * 90)]) {
      const t = read(sizes);
      expect(t.cols.n).toBe(9);
      expect([...t.cols.start]).toEqual(blocks.flat().reverse());
      expect([...t.cols.fid]).toEqual(
        blocks
          .flat()
          .reverse()
          .map((x) => x * 10),
      );
    }
  });

  it('say what may be drawn: no point, no pin', () => {
    const t = read(() => 64);
    const last = t.cols.n - 1; // first row of the first block
    expect(t.cols.spot[last]).toBe(Spot.POINT);
    expect(t.cols.spot[last - 1]).toBe(Spot.PROVINCE); // place unit, but no unit: only its area is left
    expect(t.cols.spot[last - 2]).toBe(Spot.BORDER);
    expect(t.cols.spot[last - 3]).toBe(Spot.NONE);
    expect(t.cols.type[last - 3]).toBe(NO_TYPE);
    expect(t.cols.y[last]).toBeGreaterThan(0.38);
  });

  it('grow when more rows come than were announced, shrink when fewer', () => {
    for (const count of [4, 30]) {
      const more = encode({ ...h, count }, blocks);
      let t: Table | null = null;
      const d = new Decoder(
        (hd) => {
          t = new Table(hd);
        },
        (b) => t!.prepend(b),
      );
      d.push(more);
      d.end();
      t!.close();
      expect([...(t! as Table).cols.start]).toEqual(blocks.flat().reverse());
    }
  });

  it('refuse what is cut off or something else', () => {
    const d = new Decoder(
      () => {},
      () => {},
    );
    d.push(bytes.slice(0, bytes.length - 3));
    expect(() => d.end()).toThrow(/cut off/);
    expect(() =>
      new Decoder(
        () => {},
        () => {},
      ).push(new TextEncoder().encode('<html>no such page</html>')),
    ).toThrow(/not a columns file/);
  });
});
