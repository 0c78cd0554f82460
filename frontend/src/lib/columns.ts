// Decoding of GET /collections/incidents/columns (docs/api.md, "Columns") into arrays sorted by start day, ascending.
// The blocks come newest first; they are turned round, so that each goes in front of what is already there.
// What repeats is kept once, in tables; a row holds its number in them. That is 16 to 19 bytes an incident.

import type { Day } from './dates';
import { parseIso } from './dates';
import { NO_TYPE, Spot, spotOf, typeIndex } from './vocab';

export const NOT_REPORTED = 65535;
/** this many or more: the page does not count higher */
export const OR_MORE = 65534;
export const NO_UNIT = 255;
/** verification or sub-event type that the source does not give */
export const NOT_STATED = 255;

export interface ColumnsHeader {
  count: number;
  change: number;
  /** the day that starts are counted from */
  origin: string;
  units: string[];
  event_types: string[];
  precisions: string[];
  places: string[];
  datasets: string[];
  areas: { country: string; province: string | null }[];
  verifications: string[];
  /** ACLED's 25 */
  sub_event_types: string[];
  first: string | null;
  last: string | null;
  /** incidents before the origin, which the columns leave out */
  before_origin?: number;
  withheld?: string[];
}

export const IMPRECISE_DATE = 1;
export const HAS_CLAIMS = 2;

/** A row's number in a table, in one, two or four bytes. */
export type Codes = Uint8Array | Uint16Array | Uint32Array;
const codes = (n: number, entries: number): Codes =>
  entries <= 256 ? new Uint8Array(n) : entries <= 65536 ? new Uint16Array(n) : new Uint32Array(n);

/** Tables hold what rows refer to by number. Numbers of the header's lists are 255 where there is none. */
export class Tables {
  /** days after the start on which it ended */
  spans: number[] = [];
  where = { unit: [] as number[], area: [] as number[] };
  kind = {
    /** index into vocab TYPES, 6 not stated */
    type: [] as number[],
    precision: [] as number[],
    dataset: [] as number[],
    verification: [] as number[],
    subtype: [] as number[],
    flags: [] as number[],
    /** what the map may draw: vocab Spot */
    spot: [] as number[],
  };
  deaths = { best: [] as number[], low: [] as number[], high: [] as number[] };

  add(m: Added): void {
    for (const days of m.spans) this.spans.push(days);
    for (const [unit, area] of m.wheres) {
      this.where.unit.push(unit!);
      this.where.area.push(area!);
    }
    const k = this.kind;
    for (const v of m.kinds) for (const [i, name] of KIND.entries()) k[name].push(v[i]!);
    for (const [best, low, high] of m.deaths) {
      this.deaths.best.push(best!);
      this.deaths.low.push(low!);
      this.deaths.high.push(high!);
    }
  }
}
const KIND = ['type', 'precision', 'dataset', 'verification', 'subtype', 'flags', 'spot'] as const;

/** Added are entries behind those that are in the tables already. */
export interface Added {
  spans: number[];
  wheres: number[][];
  kinds: number[][];
  deaths: number[][];
}

/** Arrays are the columns themselves. Coordinates are in 2^-24 of the square of the map, in a high and a low part. */
interface Arrays {
  fid: Uint32Array;
  start: Uint16Array;
  xh: Uint16Array;
  yh: Uint16Array;
  xl: Uint8Array;
  yl: Uint8Array;
  span: Codes;
  where: Codes;
  kind: Codes;
  deaths: Codes;
}
export const KEYS = [
  'fid',
  'start',
  'xh',
  'yh',
  'xl',
  'yl',
  'span',
  'where',
  'kind',
  'deaths',
] as const satisfies readonly (keyof Arrays)[];
const PLAIN = KEYS.slice(0, 6) as (keyof Arrays)[];
const CODED = KEYS.slice(6) as (keyof Arrays)[];

/** Block is what the worker hands over: rows in ascending order and what they add to the tables. */
export interface Block extends Arrays {
  n: number;
  added: Added;
}

const SIDE = 2 ** 24;

/** Columns of n incidents, ascending by start day. */
export class Columns implements Arrays {
  tables = new Tables();
  fid: Uint32Array;
  start: Uint16Array;
  xh: Uint16Array;
  yh: Uint16Array;
  xl: Uint8Array;
  yl: Uint8Array;
  span: Codes;
  where: Codes;
  kind: Codes;
  deaths: Codes;

  /** origin is the day that starts are counted from */
  constructor(
    public n: number,
    readonly origin: Day,
  ) {
    this.fid = new Uint32Array(n);
    this.start = new Uint16Array(n);
    this.xh = new Uint16Array(n);
    this.yh = new Uint16Array(n);
    this.xl = new Uint8Array(n);
    this.yl = new Uint8Array(n);
    this.span = new Uint8Array(n);
    this.where = new Uint8Array(n);
    this.kind = new Uint8Array(n);
    this.deaths = new Uint8Array(n);
  }
  /** bytes of all rows together */
  get bytes(): number {
    return KEYS.reduce((sum, k) => sum + this[k].byteLength, 0);
  }

  first(i: number): Day {
    return this.start[i]! + this.origin;
  }
  last(i: number): Day {
    return this.start[i]! + this.origin + this.days(i);
  }
  /** days after the first */
  days(i: number): number {
    return this.tables.spans[this.span[i]!]!;
  }
  unit(i: number): number {
    return this.tables.where.unit[this.where[i]!]!;
  }
  area(i: number): number {
    return this.tables.where.area[this.where[i]!]!;
  }
  type(i: number): number {
    return this.tables.kind.type[this.kind[i]!]!;
  }
  precision(i: number): number {
    return this.tables.kind.precision[this.kind[i]!]!;
  }
  dataset(i: number): number {
    return this.tables.kind.dataset[this.kind[i]!]!;
  }
  flags(i: number): number {
    return this.tables.kind.flags[this.kind[i]!]!;
  }
  spot(i: number): number {
    return this.tables.kind.spot[this.kind[i]!]!;
  }
  best(i: number): number {
    return this.tables.deaths.best[this.deaths[i]!]!;
  }
  low(i: number): number {
    return this.tables.deaths.low[this.deaths[i]!]!;
  }
  high(i: number): number {
    return this.tables.deaths.high[this.deaths[i]!]!;
  }
  /** x and y are the place in the square of the map, which is 1 wide; only where spot is POINT */
  x(i: number): number {
    return (this.xh[i]! * 256 + this.xl[i]!) / SIDE;
  }
  y(i: number): number {
    return (this.yh[i]! * 256 + this.yl[i]!) / SIDE;
  }
  lon(i: number): number {
    return this.x(i) * 360 - 180;
  }
  lat(i: number): number {
    return (Math.atan(Math.sinh(Math.PI * (1 - 2 * this.y(i)))) * 180) / Math.PI;
  }
}

const pad4 = (n: number) => (n + 3) & ~3;
const width = (entries: number) => (entries <= 256 ? 1 : entries <= 65536 ? 2 : 4);

/** The tables of a block as they are sent: numbers of the header's lists, null for none. */
interface Sent {
  spans?: number[];
  wheres?: (number | null)[][];
  kinds?: (number | null)[][];
  deaths?: (number | null)[][];
}

/** Decoder takes the bytes as they come and hands out blocks. */
export class Decoder {
  header: ColumnsHeader | null = null;
  private parts: Uint8Array[] = [];
  private have = 0;
  /** the block at hand: its rows and bytes, once its tables are there */
  private next: { n: number; skip: number; size: number; added: Added } | null = null;
  private entries = { spans: 0, wheres: 0, kinds: 0, deaths: 0 };
  private sentKinds: (number | null)[][] = [];
  /** per place whether it has a unit, a province, a country: bits 2, 4, 8 */
  private known: number[] = [];
  /** the page's number of a kind as it is sent and what is known of the place */
  private kindOf: number[] = [];
  private kinds = 0;

  constructor(
    private onHeader: (h: ColumnsHeader) => void,
    private onBlock: (b: Block) => void,
  ) {}

  push(chunk: Uint8Array): void {
    this.parts.push(chunk);
    this.have += chunk.length;
    if (!this.header) {
      if (this.have < 12) return;
      const head = this.peek(12);
      const dv = new DataView(head.buffer, head.byteOffset);
      if (String.fromCharCode(...head.subarray(0, 4)) !== 'SRHD') throw new Error('not a columns file');
      if (dv.getUint32(4, true) !== 2) throw new Error(`columns version ${dv.getUint32(4, true)} is not known here`);
      const len = dv.getUint32(8, true);
      if (this.have < 12 + len) return;
      this.header = JSON.parse(new TextDecoder().decode(this.take(12 + len).subarray(12))) as ColumnsHeader;
      this.onHeader(this.header);
    }
    for (;;) {
      if (!this.next) {
        if (this.have < 8) return;
        const p = this.peek(8);
        const dv = new DataView(p.buffer, p.byteOffset);
        const n = dv.getUint32(0, true);
        const skip = 8 + dv.getUint32(4, true);
        if (this.have < skip) return;
        const added = this.read(JSON.parse(new TextDecoder().decode(this.peek(skip).subarray(8))) as Sent);
        const e = this.entries;
        const coded = [e.spans, e.wheres, e.kinds, e.deaths].reduce((sum, m) => sum + pad4(width(m) * n), 0);
        this.next = { n, skip, size: skip + 4 * n + pad4(2 * n) * 3 + pad4(n) * 2 + coded, added };
      }
      if (this.have < this.next.size) return;
      const { n, skip, size, added } = this.next;
      const bytes = this.take(size);
      this.next = null;
      this.onBlock(this.block(bytes, skip, n, added));
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

  /** read takes the tables of a block; kinds follow when the rows say which of them have a point and a place. */
  private read(sent: Sent): Added {
    const e = this.entries;
    const { spans = [], wheres = [], kinds = [], deaths = [] } = sent;
    e.spans += spans.length;
    e.wheres += wheres.length;
    e.kinds += kinds.length;
    e.deaths += deaths.length;
    for (const k of kinds) this.sentKinds.push(k);
    const one = (v: number | null | undefined) => Math.min(v ?? 255, 255);
    const figure = (v: number | null | undefined) => (v == null ? NOT_REPORTED : Math.min(v, OR_MORE));
    for (const [unit, area] of wheres) {
      const a = this.header!.areas[one(area)];
      this.known.push((one(unit) !== NO_UNIT ? 2 : 0) | (a?.province ? 4 : 0) | (a ? 8 : 0));
    }
    return {
      spans,
      wheres: wheres.map((w) => w.map(one)),
      kinds: [],
      deaths: deaths.map((d) => d.map(figure)),
    };
  }

  private block(bytes: Uint8Array, skip: number, n: number, added: Added): Block {
    const h = this.header!;
    const e = this.entries;
    let at = bytes.byteOffset + skip;
    const part = <T>(make: new (b: ArrayBufferLike, at: number, n: number) => T, size: number): T => {
      const a = new make(bytes.buffer, at, n);
      at += pad4(size * n);
      return a;
    };
    const u16 = () => part(Uint16Array, 2).slice().reverse();
    const u8 = () => part(Uint8Array, 1).slice().reverse();
    const coded = (m: number): Codes => (m <= 256 ? u8() : m <= 65536 ? u16() : part(Uint32Array, 4).slice().reverse());
    const out = {
      n,
      added,
      fid: part(Uint32Array, 4).slice().reverse(),
      start: u16(),
      xh: u16(),
      yh: u16(),
      xl: u8(),
      yl: u8(),
      span: coded(e.spans),
      where: coded(e.wheres),
    };
    const kind = coded(e.kinds);
    const deaths = coded(e.deaths);
    // A kind of the page also says what may be drawn, which hangs on the place: kinds are numbered anew.
    const codeOf: number[] = new Array(n);
    const { kindOf, known } = this;
    const { xh, xl, yh, yl, where } = out;
    for (let i = 0; i < n; i++) {
      const none = yh[i] === 65535 && xh[i] === 65535 && yl[i] === 255 && xl[i] === 255;
      const k = kind[i]! * 16 + (known[where[i]!]! | (none ? 0 : 1));
      codeOf[i] = kindOf[k] ?? this.number(k, h, added);
    }
    const to = codes(n, this.kinds);
    for (let i = 0; i < n; i++) to[i] = codeOf[i]!;
    return { ...out, kind: to, deaths };
  }

  /** number gives a number to a kind that was not met before. */
  private number(k: number, h: ColumnsHeader, added: Added): number {
    const [dataset, type, subtype, precision, place, verification, flags] = this.sentKinds[k >> 4]!;
    const index = typeIndex(h.event_types[type ?? -1]);
    added.kinds.push([
      index < 0 ? NO_TYPE : index,
      precision ?? 255,
      Math.min(dataset ?? 255, 255),
      verification ?? NOT_STATED,
      subtype ?? NOT_STATED,
      flags ?? 0,
      place === null ? Spot.NONE : spotOf(h.places[place!] ?? '', !!(k & 1), !!(k & 2), !!(k & 4), !!(k & 8)),
    ]);
    this.kindOf[k] = this.kinds;
    return this.kinds++;
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
    this.cols = new Columns(count, parseIso(header.origin) ?? 0);
    this.lo = count;
  }
  /** prepend puts an older block in front of what is there. */
  prepend(b: Block): void {
    if (b.n > this.lo) this.grow(b.n - this.lo);
    const at = this.lo - b.n;
    const c = this.cols;
    c.tables.add(b.added);
    for (const k of PLAIN) (c[k] as Uint8Array).set(b[k] as Uint8Array, at);
    for (const k of CODED) {
      const from = b[k] as Codes;
      let to = c[k] as Codes;
      if (from.BYTES_PER_ELEMENT > to.BYTES_PER_ELEMENT) {
        const wider = from instanceof Uint32Array ? new Uint32Array(c.n) : new Uint16Array(c.n);
        wider.set(to.subarray(this.lo), this.lo);
        (c[k] as Codes) = to = wider;
      }
      to.set(from, at);
    }
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
    const c = this.cols;
    for (const k of KEYS) {
      const old = c[k];
      const more = new (old.constructor as new (n: number) => Uint8Array)(c.n + by);
      more.set(old as Uint8Array, by);
      (c[k] as Uint8Array) = more;
    }
    c.n += by;
    this.lo += by;
  }
}
