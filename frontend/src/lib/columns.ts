// Decoding of GET /collections/incidents/columns (docs/api.md, "Columns") into arrays sorted by start day, ascending.
// The blocks come newest first; they are turned round, so that each goes in front of what is already there.

import { my } from '../space/mercator';
import { NO_TYPE, Spot, spotOf, typeIndex } from './vocab';

export const NOT_REPORTED = 65535;
/** this many or more: the columns cannot say how many */
export const OR_MORE = 65534;
export const NO_UNIT = 255;
/** verification or sub-event type that the source does not give */
export const NOT_STATED = 255;

export interface ColumnsHeader {
  count: number;
  change: number;
  units: string[];
  event_types: string[];
  precisions: string[];
  places: string[];
  datasets: string[];
  areas: { country: string; province: string | null }[];
  verifications: string[];
  /** ACLED's 25; another word counts as "not stated" */
  sub_event_types: string[];
  first: string | null;
  last: string | null;
  /** incidents before 1970, which the columns leave out */
  before_1970?: number;
  withheld?: string[];
}

/** Columns of n incidents, ascending by start day. */
export interface Columns {
  n: number;
  fid: Uint32Array;
  start: Uint16Array;
  span: Uint16Array;
  lon: Float32Array;
  lat: Float32Array;
  /** Mercator y of lat, the world being 1 high: counted once here, so that a map move needs no logarithms */
  y: Float32Array;
  best: Uint16Array;
  low: Uint16Array;
  high: Uint16Array;
  unit: Uint8Array;
  /** index into vocab TYPES, 6 not stated */
  type: Uint8Array;
  precision: Uint8Array;
  dataset: Uint8Array;
  /** index into header.verifications, 255 not stated */
  verification: Uint8Array;
  /** index into header.sub_event_types, 255 not stated */
  subtype: Uint8Array;
  area: Uint8Array;
  flags: Uint8Array;
  /** what the map may draw: vocab Spot */
  spot: Uint8Array;
}

export const IMPRECISE_DATE = 1;
export const HAS_CLAIMS = 2;

export function allocate(n: number): Columns {
  return {
    n,
    fid: new Uint32Array(n),
    start: new Uint16Array(n),
    span: new Uint16Array(n),
    lon: new Float32Array(n),
    lat: new Float32Array(n),
    y: new Float32Array(n),
    best: new Uint16Array(n),
    low: new Uint16Array(n),
    high: new Uint16Array(n),
    unit: new Uint8Array(n),
    type: new Uint8Array(n),
    precision: new Uint8Array(n),
    dataset: new Uint8Array(n),
    verification: new Uint8Array(n),
    subtype: new Uint8Array(n),
    area: new Uint8Array(n),
    flags: new Uint8Array(n),
    spot: new Uint8Array(n),
  };
}

export const KEYS = [
  'fid',
  'start',
  'span',
  'lon',
  'lat',
  'y',
  'best',
  'low',
  'high',
  'unit',
  'type',
  'precision',
  'dataset',
  'verification',
  'subtype',
  'area',
  'flags',
  'spot',
] as const satisfies readonly (keyof Columns)[];

const pad4 = (n: number) => (n + 3) & ~3;
/** Bytes of a block's arrays of n, without the leading count. */
const blockBytes = (n: number) => 4 * n + pad4(2 * n) * 2 + 4 * n * 2 + pad4(2 * n) * 3 + pad4(n) * 8;

/** Decoder takes the bytes as they come and hands out blocks. */
export class Decoder {
  header: ColumnsHeader | null = null;
  private parts: Uint8Array[] = [];
  private have = 0;
  private typeOf = new Uint8Array(256);

  constructor(
    private onHeader: (h: ColumnsHeader) => void,
    private onBlock: (c: Columns) => void,
  ) {}

  push(chunk: Uint8Array): void {
    this.parts.push(chunk);
    this.have += chunk.length;
    if (!this.header) {
      if (this.have < 12) return;
      const head = this.peek(12);
      const dv = new DataView(head.buffer, head.byteOffset);
      if (String.fromCharCode(...head.subarray(0, 4)) !== 'SRHD') throw new Error('not a columns file');
      if (dv.getUint32(4, true) !== 1) throw new Error(`columns version ${dv.getUint32(4, true)} is not known here`);
      const len = dv.getUint32(8, true);
      if (this.have < 12 + len) return;
      const bytes = this.take(12 + len);
      this.header = JSON.parse(new TextDecoder().decode(bytes.subarray(12))) as ColumnsHeader;
      this.header.sub_event_types ??= [];
      this.typeOf.fill(NO_TYPE);
      this.header.event_types.forEach((name, i) => {
        const k = typeIndex(name);
        this.typeOf[i] = k < 0 ? NO_TYPE : k;
      });
      this.onHeader(this.header);
    }
    for (;;) {
      if (this.have < 4) return;
      const p = this.peek(4);
      const n = new DataView(p.buffer, p.byteOffset).getUint32(0, true);
      const size = 4 + blockBytes(n);
      if (this.have < size) return;
      const bytes = this.take(size);
      if (n) this.onBlock(this.block(bytes, n));
    }
  }

  end(): void {
    if (!this.header || this.have) throw new Error('the columns were cut off');
  }

  /** join makes one aligned array of the first n bytes. */
  private join(n: number): Uint8Array {
    const first = this.parts[0]!;
    if (first.length >= n && first.byteOffset % 4 === 0) return first;
    const out = new Uint8Array(this.have);
    let at = 0;
    for (const p of this.parts) {
      out.set(p, at);
      at += p.length;
    }
    this.parts = [out];
    return out;
  }
  private peek(n: number): Uint8Array {
    return this.join(n).subarray(0, n);
  }
  private take(n: number): Uint8Array {
    const all = this.join(n);
    this.have -= n;
    if (all.length === n) this.parts.shift();
    else this.parts[0] = all.subarray(n);
    return all.subarray(0, n);
  }

  private block(bytes: Uint8Array, n: number): Columns {
    const h = this.header!;
    let at = bytes.byteOffset + 4;
    const u32 = () => {
      const a = new Uint32Array(bytes.buffer, at, n);
      at += 4 * n;
      return a;
    };
    const f32 = () => {
      const a = new Float32Array(bytes.buffer, at, n);
      at += 4 * n;
      return a;
    };
    const u16 = () => {
      const a = new Uint16Array(bytes.buffer, at, n);
      at += pad4(2 * n);
      return a;
    };
    const u8 = () => {
      const a = new Uint8Array(bytes.buffer, at, n);
      at += pad4(n);
      return a;
    };
    const out: Columns = {
      n,
      fid: u32().slice().reverse(),
      start: u16().slice().reverse(),
      span: u16().slice().reverse(),
      lon: f32().slice().reverse(),
      lat: f32().slice().reverse(),
      best: u16().slice().reverse(),
      low: u16().slice().reverse(),
      high: u16().slice().reverse(),
      unit: u8().slice().reverse(),
      type: u8().slice().reverse(),
      precision: u8().slice().reverse(),
      spot: u8().slice().reverse(), // place for now
      dataset: u8().slice().reverse(),
      area: u8().slice().reverse(),
      verification: u8().slice().reverse(),
      subtype: new Uint8Array(n).fill(255),
      flags: new Uint8Array(0),
      y: new Float32Array(n),
    };
    out.flags = u8().slice().reverse();
    // One table for all four questions, so that each row is a look-up.
    const spots = new Uint8Array(h.places.length * 16);
    h.places.forEach((p, i) => {
      for (let k = 0; k < 16; k++) spots[i * 16 + k] = spotOf(p, !!(k & 1), !!(k & 2), !!(k & 4), !!(k & 8));
    });
    for (let i = 0; i < n; i++) {
      out.y[i] = my(out.lat[i]!);
      out.type[i] = this.typeOf[out.type[i]!]!;
      const area = h.areas[out.area[i]!];
      const k =
        (Number.isNaN(out.lon[i]!) ? 0 : 1) |
        (out.unit[i]! !== NO_UNIT ? 2 : 0) |
        (area?.province ? 4 : 0) |
        (area ? 8 : 0);
      out.spot[i] = spots[out.spot[i]! * 16 + k] ?? Spot.NONE;
    }
    return out;
  }
}

/** Table gathers blocks into one set of columns: rows lo to n are there. */
export class Table {
  cols: Columns;
  lo: number;
  constructor(
    readonly header: ColumnsHeader,
    count = header.count,
  ) {
    this.cols = allocate(count);
    this.lo = count;
  }
  /** prepend puts an older block in front of what is there. */
  prepend(b: Columns): void {
    if (b.n > this.lo) this.grow(b.n - this.lo);
    const at = this.lo - b.n;
    for (const k of KEYS) (this.cols[k] as Uint8Array).set(b[k] as Uint8Array, at);
    this.lo = at;
  }
  /** close drops room that was announced but never filled. */
  close(): void {
    if (this.lo === 0) return;
    const c = this.cols;
    for (const k of KEYS) (c[k] as Uint8Array) = (c[k] as Uint8Array).slice(this.lo);
    c.n -= this.lo;
    this.lo = 0;
  }
  get loaded(): number {
    return this.cols.n - this.lo;
  }
  private grow(by: number): void {
    const old = this.cols;
    this.cols = allocate(old.n + by);
    for (const k of KEYS) (this.cols[k] as Uint8Array).set(old[k] as Uint8Array, by);
    this.lo += by;
  }
}
