// What each import made of an incident: when, from which file, and what changed. It is asked for once somebody opens it,
// and stays open from one incident to the next. All values are text from files.
import { html, nothing, type TemplateResult } from 'lit';
import { getVersions, type Incident, type IncidentFeature, type Version, type Versions } from '../api/client';
import { fmtDay, parseIso } from '../lib/dates';
import { t } from '../lib/strings.en';
import { fmt, isolate } from '../lib/text';
import { NO_TYPE, typeIndex } from '../lib/vocab';
import { type App, typeWord } from '../state/app';
import { precisionWords, verificationWord, whenText } from './describe';

let open = false;
let got: { key: string; answer: Versions | null; failed: boolean } | null = null;

/** historyView is the section of the incident that is shown. */
export function historyView(app: App, id: string): TemplateResult {
  const key = `${id}|${app.header?.change}`;
  if (open && got?.key !== key) void ask(app, id, key);
  const mine = got?.key === key ? got : null;
  return html`<details class="hi" data-history ?open=${open} @toggle=${(e: Event) => {
    const is = (e.currentTarget as HTMLDetailsElement).open;
    if (is === open) return;
    open = is;
    if (mine?.failed) got = null; // opened again, it is asked again
    app.touch({ ui: true });
  }}><summary><h2 class="s">${t.history.head}</h2></summary>${!open ? nothing : mine?.failed ? html`<p class="note" role="alert">${t.history.failed}</p>` : mine?.answer ? versions(app, mine.answer) : html`<p class="note">${t.loadingShort}</p>`}</details>`;
}

async function ask(app: App, id: string, key: string): Promise<void> {
  const mine = { key, answer: null as Versions | null, failed: false };
  got = mine;
  try {
    mine.answer = await getVersions(id);
  } catch {
    mine.failed = true;
  }
  if (got === mine) app.touch({ ui: true });
}

function versions(app: App, a: Versions): TemplateResult {
  const from = (v: Version) => {
    const day = v.recorded_from === null ? null : parseIso(v.recorded_from.slice(0, 10));
    return html`${day === null ? nothing : html`<time datetime=${v.recorded_from!}>${fmtDay(day)}</time>`}${v.import.file ? html`${day === null ? '' : t.comma}<bdi>${v.import.file}</bdi>` : nothing}`;
  };
  if (a.numberMatched === 1) return html`<p class="note">${t.history.once}: ${from(a.versions[0]!)}</p>`;
  const older = a.numberMatched - a.versions.length;
  return html`<ol class="srcs">${a.versions.map((v, i) => {
    const words = v.action === 'new' && v.version > 1 ? t.history.again : t.history[v.action];
    const before = a.versions.slice(i + 1).find((w) => w.feature)?.feature;
    return html`<li data-version=${v.version}><b>${words}</b><small>${from(v)}</small>${v.changes.length ? html`<ul>${changes(app, v, before)}</ul>` : nothing}</li>`;
  })}${older > 0 ? html`<li>${t.olderVersions(older)}</li>` : nothing}</ol>`;
}

type Words = (p: Incident, f: IncidentFeature, app: App) => string | null;
const figure =
  (name: 'fatalities_low' | 'fatalities_best' | 'fatalities_high'): Words =>
  (p) =>
    p[name] === null ? t.notReportedDetail : fmt(p[name]);
const list = (...names: (string | null | undefined)[]) => names.filter(Boolean).join(t.comma) || t.notReportedDetail;

/** What belongs together has one line: a name, the properties, and the words in which two states may differ. */
const LINES: [label: () => string, properties: RegExp, ...words: Words[]][] = [
  [() => t.table.best, /^fatalities_best$/, figure('fatalities_best')],
  [() => t.table.low, /^fatalities_low$/, figure('fatalities_low')],
  [() => t.table.high, /^fatalities_high$/, figure('fatalities_high')],
  [() => t.when, /_date$|^time/, whenText, (p) => t.timePrecision[p.time_precision ?? 'unknown'] ?? p.time_precision],
  [
    () => t.where,
    /^(geometry|country|province|district|unit_|subunit_|pcode|location_|place_|border_|crossing|candidates)/,
    (p, _f, app) =>
      list(
        p.location_name || p.location_text,
        p.unit_id ? app.unitName(p.unit_id) : p.district,
        p.province && app.provinceName(p.province),
      ),
    precisionWords,
    (_p, f) => (f.geometry ? [...f.geometry.coordinates].reverse().join(' ') : null),
  ],
  [
    () => t.facets.type,
    /^(sub_)?event_(type|class)|^type_of_/,
    (p) => typeWord(Math.max(0, typeIndex(p.event_type) < 0 ? NO_TYPE : typeIndex(p.event_type))),
    (p) => p.sub_event_type ?? t.subtypeNone,
  ],
  [() => t.actors, /actor|^dyad$/, (p) => list(p.actor1, p.actor2, ...[p.assoc_actors ?? []].flat())],
  [() => t.facets.verification, /^verification$/, (p) => p.verification && verificationWord(p.verification)],
  [
    () => t.notes,
    /^summary$/,
    (p) => (p.summary ? `${t.quotes[0]}${isolate(p.summary)}${t.quotes[1]}` : t.notReportedDetail),
  ],
  [() => t.claims, /^claims$/],
  [() => t.sources, /^sources$/, (p) => fmt(p.sources?.length ?? 0)],
  [() => t.history.other, /./],
];

/** changes says in words what a version has other than the one before. */
function changes(app: App, v: Version, before: IncidentFeature | null | undefined): TemplateResult[] {
  const left = new Set(v.changes.map((c) => c.property));
  const out: TemplateResult[] = [];
  for (const [label, properties, ...words] of LINES) {
    const mine = [...left].filter((p) => properties.test(p));
    if (!mine.length) continue;
    for (const p of mine) left.delete(p);
    const said = [];
    const now = v.feature;
    if (before && now)
      for (const w of words) {
        const a = w(before.properties, before, app) ?? t.notReportedDetail;
        const b = w(now.properties, now, app) ?? t.notReportedDetail;
        if (a !== b) said.push(t.wasNow(isolate(a), isolate(b)));
      }
    out.push(html`<li dir="auto">${label()}: ${said.join('; ') || t.history.reworded}</li>`);
  }
  return out;
}
