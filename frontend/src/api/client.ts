// What the page asks the server for. All paths are relative: the page works under any prefix and asks no other host.

import type { Feature, FeatureCollection, Geometry, LineString, MultiPolygon, Point, Polygon } from 'geojson';

export interface Dataset {
  name: string;
  title: string | null;
  licence: string | null;
  attribution: string | null;
  terms: string | null;
  /** what the publisher calls what is loaded, and the day it was fetched */
  version?: string | null;
  accessed?: string | null;
  /** aggregates: single incidents may not be republished, so the page does not get them */
  public: 'items' | 'aggregates';
  synthetic: boolean;
  sample: boolean;
  count: number;
  first_date: string | null;
  last_date: string | null;
  coverage: { country?: string; unit?: string; from: string; to: string }[] | null;
}
export interface Datasets {
  datasets: Dataset[];
  attribution: string;
  border_note: string;
  places_attribution?: string | null;
  change: number;
  /** an online raster layer, when one was configured */
  base_layer?: { url: string; attribution: string } | null;
}
export interface UnitProps {
  id: string;
  name: string;
  name_ur?: string | null;
  name_ps?: string | null;
  name_fa?: string | null;
  kind: string;
  province: string;
  country: string;
  area_km2: number;
  label_lon: number;
  label_lat: number;
  /** the last day of a former unit; null for those of today */
  valid_from?: string | null;
  valid_until?: string | null;
  /** whether the dates are not sure to the day */
  uncertain?: boolean;
  /** today's units that a former unit covers, or the unit that holds a subunit */
  units?: string[];
  /** it was only a part of them, and nobody drew which */
  part?: boolean;
  note?: string | null;
}
export type UnitFeature = Feature<Polygon | MultiPolygon | null, UnitProps>;
export type Units = FeatureCollection<Polygon | MultiPolygon, UnitProps>;
export type Border = FeatureCollection<LineString, { detail: 'coarse' | 'fine' }>;
export type Crossings = FeatureCollection<
  Point,
  {
    name: string;
    name_ur?: string | null;
    name_ps?: string | null;
    name_fa?: string | null;
    accuracy_km: number | null;
    pk_district: string;
    af_province: string;
    note: string;
  }
>;
export interface Period {
  id: string;
  kind: string;
  name: string;
  start_date: string;
  end_date: string | null;
  parties: string[] | string | null;
  sources: Source[] | null;
  note: string | null;
}
export interface Source {
  publisher?: string | null;
  title?: string | null;
  url?: string | null;
  date?: string | null;
  language?: string | null;
  is_party?: boolean;
}
export interface Claim {
  quantity: string;
  about: string | null;
  low: number | null;
  best: number | null;
  high: number | null;
  qualifier: string | null;
  /** null where the source gives the number in words of its own */
  claimant: string | null;
  claimant_role: string | null;
  source: number | null;
  quote: string | null;
  language: string | null;
}
export interface Incident {
  fid: number;
  dataset: string;
  source_id: string;
  start_date: string;
  end_date: string;
  time_precision: string | null;
  event_type: string | null;
  sub_event_type: string | null;
  event_class: string | null;
  type_of_violence_name: string | null;
  actor1: string | null;
  actor2: string | null;
  assoc_actors?: string[] | string | null;
  fatalities_low: number | null;
  fatalities_best: number | null;
  fatalities_high: number | null;
  country: string | null;
  province: string | null;
  district: string | null;
  unit_id: string | null;
  /** the former unit that held it on its day, and its name */
  unit_then?: string | null;
  district_then?: string | null;
  /** the tehsil or Afghan district */
  subunit_id?: string | null;
  location_name: string | null;
  location_text: string | null;
  location_precision: string | null;
  location_precision_code: string | null;
  place_kind: string;
  place_units: string[] | null;
  place_radius_m: number | null;
  border_km_min: number | null;
  border_km_max: number | null;
  border_side: string | null;
  crossing?: string | null;
  crossing_km?: number | null;
  verification: string | null;
  claims: Claim[] | null;
  sources: Source[] | null;
  summary: string | null;
  warnings: (string | { code: string; text?: string; distance_km?: number })[] | null;
  candidates: (string | { unit_id?: string; name?: string })[] | null;
  file: string | null;
  line: number | null;
  synthetic: boolean;
  /** records of other data sets that may be about the same event */
  likely_duplicates?: Likely[] | null;
}
export interface Likely {
  id: string;
  fid: number;
  dataset: string;
  reasons: string[];
  distance_km: number | null;
  days_apart: number;
}
export type IncidentFeature = Feature<Point | null, Incident> & { id: string; place?: Geometry | null };

/** Version is what one import made of an incident; feature is null where it took the incident away. */
export interface Version {
  version: number;
  action: 'new' | 'changed' | 'removed';
  recorded_from: string | null;
  import: { id: number; file: string | null; dataset: string };
  changes: { property: string }[];
  feature: IncidentFeature | null;
}
/** Versions is a history, newest first. */
export interface Versions {
  versions: Version[];
  numberMatched: number;
}

export interface PlaceCandidate {
  /** null for a province or a country, of which name is the name */
  unit_id: string | null;
  name: string;
  place: string | null;
  /** its name in the script of the question */
  local: string | null;
  kind: string;
  subunit_id: string | null;
  precision: string;
  score: number;
  reasons: string[];
  /** the field of the question that it rests on, and which part of it in code points */
  field: 'text' | 'place' | 'adm1' | 'adm2' | null;
  span: [number, number] | null;
  /** a known position; never the label point of a unit */
  lon: number | null;
  lat: number | null;
}
export interface PlaceAnswer {
  status: 'placed' | 'ambiguous' | 'unknown';
  unit_id: string | null;
  name: string | null;
  precision: string;
  lon: number | null;
  lat: number | null;
  units: string[];
  country: string | null;
  province: string | null;
  candidates: PlaceCandidate[];
}

/** Problem is what the server said was wrong. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** reader holds a token that may read; every question for data carries it. It sees closed layers and what is delayed. */
export const reader = {
  token: '',
  headers: (more: Record<string, string> = {}): Record<string, string> =>
    reader.token ? { ...more, Authorization: `Bearer ${reader.token}` } : more,
};

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const r = await fetch(path, {
    signal: signal ?? null,
    headers: reader.headers({ Accept: 'application/geo+json, application/json' }),
  });
  if (!r.ok) {
    let text = `${r.status} ${r.statusText}`;
    try {
      const p = (await r.json()) as { detail?: string; title?: string };
      text = p.detail || p.title || text;
    } catch {
      // the status line has to do
    }
    throw new ApiError(r.status, text);
  }
  return (await r.json()) as T;
}

export const getUnits = () => getJson<Units>('./collections/units/items?limit=1000');
export const getBorder = () => getJson<Border>('./collections/border/items');
export const getCrossings = () => getJson<Crossings>('./collections/crossings/items?limit=1000');
export async function getPeriods(): Promise<Period[]> {
  const fc = await getJson<FeatureCollection<Geometry, Period>>('./collections/periods/items?limit=1000');
  return fc.features.map((f) => f.properties);
}
export const getIncident = (id: string | number, signal?: AbortSignal) =>
  getJson<IncidentFeature>(`./collections/incidents/items/${encodeURIComponent(String(id))}`, signal);

export const getVersions = (id: string) =>
  getJson<Versions>(`./collections/incidents/items/${encodeURIComponent(id)}/versions`);

/** getPlace asks what is known of a name; what is not known whole is completed. */
export const getPlace = (q: string, limit: number, signal: AbortSignal) =>
  getJson<PlaceAnswer>(`./geocode?${new URLSearchParams({ q, limit: String(limit), complete: 'true' })}`, signal);
/** getUnit is a unit of today, a former unit or a subunit by its id. */
export const getUnit = (id: string) => getJson<UnitFeature>(`./collections/units/items/${encodeURIComponent(id)}`);

/** Aggregates are counts by keys; here by actor. */
export interface Aggregates {
  rows: { actor?: string | null; count: number }[];
  /** names of data sets that the question leaves out, since their terms allow no such counts */
  withheld?: string[];
}
export const getAggregates = (params: URLSearchParams, signal: AbortSignal) =>
  getJson<Aggregates>(`./aggregates?${params}`, signal);
/** getMatched counts the incidents of a filter. */
export const getMatched = async (params: URLSearchParams, signal: AbortSignal): Promise<number> =>
  (await getJson<{ numberMatched: number }>(`./collections/incidents/items?limit=1&properties=fid&${params}`, signal))
    .numberMatched;

let etag: string | null = null;
let last: Datasets | null = null;
/** getDatasets asks whether anything changed; the answer is the same object when nothing did. */
export async function getDatasets(): Promise<Datasets> {
  const r = await fetch('./datasets', {
    cache: 'no-store',
    headers: reader.headers(etag && last ? { 'If-None-Match': etag } : {}),
  });
  if (r.status === 304 && last) return last;
  if (!r.ok) throw new ApiError(r.status, `${r.status} ${r.statusText}`);
  etag = r.headers.get('ETag');
  last = (await r.json()) as Datasets;
  return last;
}
