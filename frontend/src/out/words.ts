// What is filtered and whose data they are, in words: for the picture and for citing.

import type { Dataset } from '../api/client';
import { fmtDay, fmtRange, parseIso } from '../lib/dates';
import { t } from '../lib/strings.en';
import { fmt, isolate } from '../lib/text';
import { borderNote } from '../panel/attribution';
import { chipList } from '../panel/chips';
import type { App } from '../state/app';

/** filterWords names each filter that is set. */
export const filterWords = (app: App): string[] => chipList(app).map((c) => isolate(c.label));

/** asked are the data sets that the filters let through; those of which only counts may be given stand apart. */
export function asked(app: App): { items: Dataset[]; counts: Dataset[] } {
  const all = (app.datasets?.datasets ?? []).filter(
    (d) => d.count > 0 && (!app.state.datasets.size || app.state.datasets.has(d.name)),
  );
  return { items: all.filter((d) => d.public !== 'aggregates'), counts: all.filter((d) => d.public === 'aggregates') };
}

/** shown are the data sets that incidents in the window are from. */
export function shown(app: App): Dataset[] {
  const names = app.header?.datasets ?? [];
  return asked(app).items.filter((d) => app.tally.fDataset[names.indexOf(d.name)]! > 0);
}

const sentence = (parts: (string | null | undefined | false)[]) =>
  parts.filter(Boolean).join('. ').replace(/\.\./g, '.');

/** citation is how the view may be cited, with the terms of its data; a paragraph a line. */
export function citation(app: App, day: number): string {
  const filters = filterWords(app);
  return [
    sentence([
      `Sarhad: ${t.titles[app.state.shade]}, ${t.region}, ${fmtRange(...app.window)}`,
      t.nIncidents(app.tally.total),
      filters.length > 0 && t.out.filters(filters.join('; ')),
    ]),
    ...shown(app).map((d) => {
      const fetched = parseIso((d.accessed ?? '').slice(0, 10));
      const edition = [d.version && t.version(d.version), fetched !== null && t.accessed(fmtDay(fetched))];
      return sentence([
        [t.dataBy + isolate(d.title || d.name), ...edition].filter(Boolean).join(t.comma),
        d.synthetic && t.synthetic,
        d.sample && t.sample,
        d.licence && t.licence(d.licence),
        d.attribution,
        d.terms,
      ]);
    }),
    sentence([app.datasets?.attribution, borderNote(app)]),
    `${app.link} (${t.out.read(fmtDay(day))})`,
  ].join('\n');
}

/** size is a number of bytes in words, with two figures. */
export function size(bytes: number): string {
  const k = bytes / 1000;
  const two = (v: number) => (v < 9.95 ? v.toFixed(1) : fmt(Number(v.toPrecision(v < 100 ? 2 : 3)) | 0));
  return k < 1000 ? `${two(Math.max(0.1, k))} kB` : k < 1e6 ? `${two(k / 1000)} MB` : `${two(k / 1e6)} GB`;
}
