import { describe, expect, it } from 'vitest';
import { Decoder, NO_UNIT, NOT_REPORTED, NOT_STATED, Table } from '../src/lib/columns';
import { iso } from '../src/lib/dates';
import { NO_TYPE, Spot } from '../src/lib/vocab';
import { my } from '../src/space/mercator';
import { header, random } from './naive';

const pad = (n: number) => (n + 3) & ~3;

/**
 * encode writes rows (newest first) as docs/api.md describes it. Every second row has no point, every fifth no best
 * figure; the third table outgrows a byte when many is set.
 */
function encode(h: object, blocks: number[][], many = 0): Uint8Array {
  let head = JSON.stringify(h);
  while (new TextEncoder().encode(head).length % 4) head += ' ';
  const parts: Uint8Array[] = [new TextEncoder().encode('SRHD')];
  const u32 = (v: number) => new Uint8Array(Uint32Array.of(v).buffer);
  const bytes = new TextEncoder().encode(head);
  parts.push(u32(2), u32(bytes.length), bytes);
  const put = (a: Uint32Array | Uint16Array | Uint8Array) => {
    const b = new Uint8Array(pad(a.byteLength));
    b.set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength));
    parts.push(b);
  };
  let first = true;
  let entries = 10;
  for (const days of blocks) {
    const n = days.length;
    const tables: Record<string, unknown> = {};
    if (first) {
      tables.spans = [0, 1, 70000];
      tables.wheres = [
        [0, 0],
        [null, 0],
        [0, null],
      ];
      // dataset, type, subtype, precision, place, verification, flags
      tables.kinds = [
        [0, 0, 0, 1, 0, 0, 0],
        [0, 1, null, 1, 2, 0, 1],
        [0, 2, null, 1, 5, null, 2],
        [0, null, null, 1, 7, 0, 3],
      ];
      tables.deaths = Array.from({ length: 10 }, (_, i) => (i % 5 ? [i, i, null] : [null, null, null]));
    } else if (many) {
      tables.deaths = Array.from({ length: many }, (_, i) => [100 + i, null, null]);
      entries += many;
    }
    const text = new TextEncoder().encode(JSON.stringify(tables).padEnd(pad(JSON.stringify(tables).length)));
    parts.push(u32(n), u32(text.length), text);
    put(Uint32Array.from(days, (d) => d * 10));
    put(Uint16Array.from(days));
    put(Uint16Array.from(days, (_, i) => (i % 2 ? 65535 : 0xb222)));
    put(Uint16Array.from(days, (_, i) => (i % 2 ? 65535 : 0x6789)));
    put(Uint8Array.from(days, (_, i) => (i % 2 ? 255 : 0x22)));
    put(Uint8Array.from(days, (_, i) => (i % 2 ? 255 : 0xab)));
    put(Uint8Array.from(days, (_, i) => i % 3));
    put(Uint8Array.from(days, (_, i) => (i % 2 ? 1 : i % 3 ? 2 : 0)));
    put(Uint8Array.from(days, (_, i) => i % 4));
    const width = entries <= 256 ? Uint8Array : entries <= 65536 ? Uint16Array : Uint32Array;
    const codes = new width(n);
    days.forEach((d, i) => {
      codes[i] = !first && many ? entries - 1 - (d % 3) : d % 10;
    });
    put(codes);
    first = false;
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
    const { cols } = read(() => 64);
    const last = cols.n - 1; // first row of the first block
    expect(cols.spot(last)).toBe(Spot.POINT);
    expect(cols.spot(last - 1)).toBe(Spot.PROVINCE); // place unit, but no unit: only its area is left
    expect(cols.spot(last - 2)).toBe(Spot.BORDER);
    expect(cols.spot(last - 3)).toBe(Spot.NONE);
    expect(cols.type(last - 3)).toBe(NO_TYPE);
    expect(cols.lon(last)).toBeCloseTo((0xb22222 / 2 ** 24) * 360 - 180, 9);
    expect(my(cols.lat(last))).toBeCloseTo(0x6789ab / 2 ** 24, 9);
  });

  it('are at most 20 bytes an incident and keep figures, lists and days', () => {
    const { cols } = read(() => 64);
    expect(cols.bytes / cols.n).toBeLessThanOrEqual(20);
    const last = cols.n - 1;
    expect([500, 499, 499, 480, 470].map((d, i) => [cols.first(last - i), d])).toEqual(
      [500, 499, 499, 480, 470].map((d) => [d, d]),
    );
    expect([0, 1, 2].map((i) => cols.last(last - i))).toEqual([500, 500, 70499]);
    expect([0, 1].map((i) => [cols.best(last - i), cols.low(last - i), cols.high(last - i)])).toEqual([
      [NOT_REPORTED, NOT_REPORTED, NOT_REPORTED],
      [9, 9, NOT_REPORTED],
    ]);
    expect([0, 1, 2].map((i) => [cols.unit(last - i), cols.area(last - i)])).toEqual([
      [0, 0],
      [NO_UNIT, 0],
      [0, 255],
    ]);
    const { subtype, verification } = cols.tables.kind;
    expect([0, 2].map((i) => [subtype[cols.kind[last - i]!], verification[cols.kind[last - i]!]])).toEqual([
      [0, 0],
      [NOT_STATED, NOT_STATED],
    ]);
  });

  it('count days from their origin', () => {
    let t: Table | null = null;
    const d = new Decoder(
      (hd) => {
        t = new Table(hd);
      },
      (b) => t!.prepend(b),
    );
    d.push(encode({ ...h, origin: '1947-08-14' }, blocks));
    const { cols } = t! as Table;
    expect(iso(cols.first(cols.n - 9))).toBe('1948-03-01');
  });

  it('widen when a table outgrows a byte or two, and keep what was there', () => {
    for (const many of [300, 70_000]) {
      let t: Table | null = null;
      const d = new Decoder(
        (hd) => {
          t = new Table(hd);
        },
        (b) => t!.prepend(b),
      );
      d.push(encode(h, [blocks[0]!, blocks[1]!], many));
      d.end();
      const { cols } = t! as Table;
      expect(cols.deaths.BYTES_PER_ELEMENT).toBe(many === 300 ? 2 : 4);
      expect(cols.best(cols.n - 2)).toBe(9);
      expect(cols.best(cols.n - 6)).toBe(Math.min(98 + many, 65534)); // 460 % 3 is 1
      expect(cols.best(cols.n - 8)).toBe(Math.min(99 + many, 65534));
    }
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
