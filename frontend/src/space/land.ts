// The backdrop: sea, neighbouring countries and the towns, from files of our own.

import type { Geometry } from 'geojson';
import * as L from 'leaflet';
import { WATERS } from './beyond';
import type { Stage } from './stage';

const files = import.meta.glob<string>('./data/*.json', { query: '?url', import: 'default', eager: true });

export interface Town {
  n: string;
  ur?: string;
  ps?: string;
  fa?: string;
  lat: number;
  lon: number;
  rank: number;
}

/** loadLand draws land and sea when their turn has come, and gives the towns; what cannot be loaded is left out. */
export async function loadLand(stage: Stage, turn: Promise<void>): Promise<Town[]> {
  const get = async <T>(name: string): Promise<T | null> => {
    const url = files[`./data/${name}.json`];
    if (!url) return null;
    const r = await fetch(url);
    return r.ok ? ((await r.json()) as T) : null;
  };
  const [land, towns] = await Promise.all([
    get<GeoJSON.FeatureCollection<Geometry, { kind?: string }>>('land').catch(() => null),
    get<Town[]>('towns').catch(() => null),
  ]);
  await turn;
  if (land) {
    const renderer = L.svg({ pane: 'land', padding: 0.3 });
    // The backdrop ends somewhere; beyond it to the north, east and west there is land too.
    const all = L.geoJSON(land).getBounds();
    const [s, w, n, e] = [all.getSouth(), all.getWest(), all.getNorth(), all.getEast()];
    for (const box of [
      [n - 0.02, -20, 80, 170],
      [s, e - 0.02, n, 170],
      [s, -20, n, w + 0.02],
    ] as [number, number, number, number][])
      L.rectangle(
        [
          [box[0], box[1]],
          [box[2], box[3]],
        ],
        { ...stage.pathStyle('nb', 0), stroke: false, pane: 'land', renderer, interactive: false },
      ).addTo(stage.map);
    for (const w of WATERS)
      L.polygon(w, { ...stage.pathStyle('wt', 0), stroke: false, pane: 'land', renderer, interactive: false }).addTo(
        stage.map,
      );
    L.geoJSON(land, {
      pane: 'land',
      interactive: false,
      filter: (f) => f.properties.kind !== 'boundary',
      style: () => ({ ...stage.pathStyle('nb', 0), stroke: false, renderer }) as L.PathOptions,
    }).addTo(stage.map);
  }
  return towns ?? [];
}
