// The few incidents that the page knows one by one when the server holds them all: those on the map and in the list.
// They stand in columns like all incidents of a smaller store, so that all views show them the same way.

import type { Incident } from '../api/client';
import {
  Columns,
  type ColumnsHeader,
  HAS_CLAIMS,
  IMPRECISE_DATE,
  NO_UNIT,
  NOT_REPORTED,
  NOT_STATED,
  OR_MORE,
} from '../lib/columns';
import { parseIso } from '../lib/dates';
import type { TilePoint } from '../lib/mvt';
import { NO_TYPE, Spot, spotOf, typeIndex } from '../lib/vocab';

/** so many are held; then all are forgotten */
export const ROOM = 65536;
const SIDE = 2 ** 24;
/** imprecise dates, as the columns have them */
const VAGUE = ['days_2_6', 'week', 'month', 'year', 'range', 'unknown'];

export class Rows {
  readonly cols: Columns;
  private rowOf = new Map<number, number>();
  private codes = new Map<string, number>();
  private words = new Map<number, Incident>();

  constructor(private header: ColumnsHeader) {
    const c = new Columns(ROOM, parseIso(header.origin) ?? 0);
    c.span = new Uint16Array(ROOM);
    c.where = new Uint16Array(ROOM);
    c.kind = new Uint16Array(ROOM);
    c.deaths = new Uint16Array(ROOM);
    c.n = 0;
    this.cols = c;
  }

  row(fid: number): number {
    return this.rowOf.get(fid) ?? -1;
  }
  text(fid: number): Incident | undefined {
    return this.words.get(fid);
  }

  /** code is the number of an entry of a table, which is added if it is new. */
  private code(table: 'wheres' | 'kinds' | 'deaths' | 'spans', entry: number[]): number {
    const key = `${table}${entry}`;
    let k = this.codes.get(key);
    if (k === undefined) {
      const count = `${table}#`;
      k = this.codes.get(count) ?? 0;
      this.codes.set(count, k + 1);
      this.codes.set(key, k);
      const none = { spans: [], wheres: [], kinds: [], deaths: [] };
      this.cols.tables.add({ ...none, [table]: table === 'spans' ? entry : [entry] });
    }
    return k;
  }

  private put(fid: number, x: number, y: number, p: Partial<Incident>, where: number[], kind: number[]): number {
    const c = this.cols;
    let i = this.row(fid);
    if (i < 0) {
      i = c.n++;
      this.rowOf.set(fid, i);
    }
    const day = (text: string) => (parseIso(text.slice(0, 10)) ?? c.origin) - c.origin;
    const figure = (n: number | null | undefined) => (n == null ? NOT_REPORTED : Math.min(n, OR_MORE));
    const [a, b] = [day(p.start_date!), day(p.end_date!)];
    c.fid[i] = fid;
    c.start[i] = a;
    c.span[i] = this.code('spans', [b - a]);
    const [px, py] = [Math.round(x * SIDE), Math.round(y * SIDE)];
    c.xh[i] = px >> 8;
    c.xl[i] = px;
    c.yh[i] = py >> 8;
    c.yl[i] = py;
    c.where[i] = this.code('wheres', where);
    c.kind[i] = this.code('kinds', kind);
    c.deaths[i] = this.code('deaths', [figure(p.fatalities_best), figure(p.fatalities_low), figure(p.fatalities_high)]);
    return i;
  }
  private kind(p: Partial<Incident>, verification: number, subtype: number, flags: number, spot: Spot): number[] {
    const h = this.header;
    const at = (list: string[], word: string | undefined) => list.indexOf(word ?? '') & 255;
    const type = typeIndex(p.event_type ?? null);
    return [
      type < 0 ? NO_TYPE : type,
      at(h.precisions, p.location_precision ?? undefined),
      at(h.datasets, p.dataset),
      verification,
      subtype,
      flags,
      spot,
    ];
  }

  /** point takes an incident of a tile; x and y are its place in the square of the map. */
  point(f: TilePoint, x: number, y: number): number {
    const known = this.row(f.id);
    if (known >= 0) return known;
    const p = f.p as unknown as Partial<Incident>;
    return this.put(f.id, x, y, p, [NO_UNIT, 255], this.kind(p, NOT_STATED, NOT_STATED, 0, Spot.POINT));
  }

  /** incident takes a whole one, with its words. */
  incident(p: Incident, at: [number, number] | null): number {
    const h = this.header;
    const unit = h.units.indexOf(p.unit_id ?? '') & 255;
    const area = h.areas.findIndex((a) => a.country === p.country && a.province === p.province) & 255;
    const [lon, lat] = at ?? [0, 0];
    const sin = Math.sin((lat * Math.PI) / 180);
    const flags = (VAGUE.includes(p.time_precision ?? '') ? IMPRECISE_DATE : 0) | (p.claims?.length ? HAS_CLAIMS : 0);
    const spot = spotOf(p.place_kind ?? '', !!at, !!p.unit_id, !!p.province, !!p.country);
    const words = (list: string[], word: unknown) => list.indexOf(String(word)) & 255;
    this.words.set(p.fid, p);
    if (this.words.size > 4000) this.words.delete(this.words.keys().next().value!);
    return this.put(
      p.fid,
      (lon + 180) / 360,
      0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI),
      p,
      [unit, area],
      this.kind(p, words(h.verifications, p.verification), words(h.sub_event_types, p.sub_event_type), flags, spot),
    );
  }
}
