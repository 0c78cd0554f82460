// One incident: what is known and how well.
import { html, nothing, type TemplateResult } from 'lit';
import type { Incident, Likely } from '../api/client';
import { fmtDay, parseIso } from '../lib/dates';
import { language, localName } from '../lib/i18n';
import { glyph, icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { ARABIC, fmt, isolate, plainError, safeUrl } from '../lib/text';
import { NO_TYPE, precisionClass, typeIndex } from '../lib/vocab';
import { type App, typeWord } from '../state/app';
import { claimTable, figureWords, named } from './claims';
import { notes, precisionWords, title, verificationWord, whenText } from './describe';
import { historyView } from './history';
import type { List } from './list';

const figure = (n: number | null) => (n === null ? t.notReportedDetail : fmt(n));

/** backToList closes the incident and goes to its row. */
export function backToList(app: App, list: List): void {
  const row = app.selectedRow;
  app.close();
  app.set({ tab: 'list' });
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      list.toRow(row);
      const fid = app.model?.cols.fid[row];
      requestAnimationFrame(() =>
        document.querySelector<HTMLElement>(`[data-fid="${fid}"]`)?.focus({ preventScroll: true }),
      );
    }),
  );
}

export function detailView(app: App, list: List, share: () => void): TemplateResult {
  const d = app.detail!;
  const row = app.selectedRow;
  const i = list.indexOf(row);
  const go = (k: number) => {
    if (k >= 0 && k < list.n) app.select(list.rows[k]!);
  };
  const back = () => backToList(app, list);
  const bar = html`<div class="d-bar">
    <button type="button" class="btn bare" data-back @click=${back}>${icon('chl')}${t.allIncidents}</button>
    <span class="sp nt">${i >= 0 ? t.ofN(i + 1, list.n) : nothing}</span>
    <button type="button" class="btn bare sq" aria-label=${t.previous} title=${t.previous} ?disabled=${i <= 0} @click=${() => go(i - 1)}>${icon('chl')}</button>
    <button type="button" class="btn bare sq" aria-label=${t.next} title=${t.next} ?disabled=${i < 0 || i + 1 >= list.n} @click=${() => go(i + 1)}>${icon('chr')}</button>
  </div>`;
  if (!d.feature)
    return html`${bar}<div class="scroll" tabindex="0"><div class="d-in">${d.error ? html`<div class="bn w" role="alert" tabindex="-1"><span><b>${t.detailFailed}</b>${plainError(d.error, t.noConnection)}</span>${d.error === t.withdrawn ? nothing : html`<button type="button" class="btn" @click=${() => void app.open(d.key)}>${t.tryAgain}</button>`}</div>` : html`<p class="note">${t.detailLoading}</p>`}</div></div>`;

  const p = d.feature.properties;
  const type = Math.max(0, typeIndex(p.event_type) < 0 ? NO_TYPE : typeIndex(p.event_type));
  const set = app.dataset(p.dataset);
  const synthetic = p.synthetic || set?.synthetic;
  const claims = p.claims ?? [];
  const disputed = p.verification === 'disputed' || named(claims).length > 1;
  // Most are unverified; a tag is for what was looked into.
  const verification = disputed
    ? t.disputed
    : p.verification && p.verification !== 'unverified'
      ? verificationWord(p.verification)
      : '';
  const killed = p.fatalities_best;
  const ofKilled = killedText(p);
  const broken = killed === null ? 'broken' : killed === 0 ? 'hollow' : 'filled';
  const assoc = Array.isArray(p.assoc_actors) ? p.assoc_actors : p.assoc_actors ? [p.assoc_actors] : [];
  const actors = [p.actor1, p.actor2, ...assoc].filter((a): a is string => !!a);
  const more = notes(p);
  return html`${bar}<div class="scroll" tabindex="0" role="region" aria-label=${title(p)}><article class="d-in" data-incident=${d.feature.id}>
    <div class="d-k">${glyph(type, broken)}<b>${typeWord(type)}</b>${p.sub_event_type ? html`<span>· <bdi>${p.sub_event_type}</bdi></span>` : nothing}
      ${verification ? html`<span class="tag">${verification}</span>` : nothing}
      ${synthetic ? html`<span class="tag w">${t.synthetic}</span>` : set?.sample ? html`<span class="tag w">${t.sample}</span>` : nothing}
      ${set?.sample && /sample/i.test(app.datasetTitle(p.dataset)) ? nothing : html`<span class="tag">${app.datasetTitle(p.dataset)}</span>`}</div>
    <h1 class=${ARABIC.test(title(p)) ? 'd-h' : 'd-h lat'} dir="auto" tabindex="-1">${title(p)}</h1>
    <dl class="facts">
      <dt>${t.when}</dt><dd>${whenText(p)}<small>${t.timePrecision[p.time_precision ?? 'unknown'] ?? p.time_precision}</small></dd>
      <dt>${t.where}</dt><dd>${where(app, p)}</dd>
      ${p.verification && !verification ? html`<dt>${t.facets.verification}</dt><dd>${verificationWord(p.verification)}</dd>` : nothing}
      ${ofKilled ? html`<dt>${t.killedHead}</dt><dd>${ofKilled}</dd>` : nothing}
      ${actors.length ? html`<dt>${t.actors}</dt><dd>${actors.map((a, k) => html`${k ? '; ' : ''}<bdi>${a}</bdi>`)}<small>${t.orderNote}</small></dd>` : nothing}
      ${p.border_km_min !== null && p.border_km_min !== undefined && p.border_km_max !== null ? html`<dt>${t.border}</dt><dd>${borderText(p)}${p.crossing && typeof p.crossing_km === 'number' ? html`<small>${t.nearestCrossing(p.crossing, Math.round(p.crossing_km))}</small>` : nothing}<small>${t.borderNote}</small></dd>` : nothing}
    </dl>
    ${warnings(app, p)}
    ${likely(app, p)}
    ${claims.length ? claimTable(p, claims) : nothing}
    ${more ? html`<h2 class="s">${t.notes}</h2><p class="notes" dir="auto">${more}</p>` : nothing}
    <h2 class="s">${t.sources}<small class="num">${fmt(p.sources?.length ?? 0)}</small></h2>
    <ol class="srcs">${(p.sources ?? []).map((s, k) => {
      // A headline is theirs: it stands in quotation marks.
      const name = s.title
        ? html`${t.quotes[0]}<bdi>${s.title}</bdi>${t.quotes[1]}`
        : html`<bdi>${s.publisher || t.sourceUnknown}</bdi>`;
      const url = safeUrl(s.url);
      const day = s.date ? parseIso(s.date.slice(0, 10)) : null;
      const meta = [s.title ? s.publisher : null, day === null ? s.date : fmtDay(day), s.language]
        .filter((x): x is string => !!x)
        .map(isolate)
        .join(' · ');
      return html`<li id="source-${k + 1}">${claims.length ? html`<span class="num">[${fmt(k + 1)}]</span> ` : nothing}${url ? html`<a href=${url} rel="noreferrer noopener" target="_blank">${name}</a>` : html`<span>${name}</span>`}${s.is_party ? html` <span class="tag">${t.partyTag}</span>` : nothing}<small>${meta}</small></li>`;
    })}</ol>
    <h2 class="s">${t.dataHead}</h2>
    <p class="note">${t.record(p.source_id, app.datasetTitle(p.dataset))}${p.file ? html`${t.comma}${p.line === null ? p.file : t.fileLine(p.file, p.line)}` : nothing}. ${set?.licence ? t.licence(set.licence) : nothing}${set?.attribution ? html`. <bdi>${set.attribution}</bdi>` : nothing}${synthetic ? html`<br>${t.syntheticLong}.` : nothing}</p>
    ${historyView(app, String(d.feature.id))}
    <div class="acts"><button type="button" class="btn pri" @click=${share}>${icon('link')}${t.copyLink}</button><a class="btn" href="./collections/incidents/items/${encodeURIComponent(String(d.feature.id))}">${icon('down')}${t.geojson}</a></div>
  </article></div>`;
}

/** killedText has the figures of the incident. Where there are none and claims of the killed are, those speak for themselves. */
export function killedText(p: Incident): TemplateResult | null {
  const { fatalities_best: best, fatalities_low: low, fatalities_high: high } = p;
  const ends = t.lowHighOf(figure(low), figure(high));
  if (best !== null)
    return html`<b class="fig num">${fmt(best)}</b> <span class="dimmed">${t.bestEstimate}; ${ends}</span>`;
  if (low !== null || high !== null) return html`<span>${t.noBest}; ${ends}</span>`;
  const claimed = (p.claims ?? []).some((c) => c.quantity === 'killed' && (c.qualifier || figureWords(c) !== null));
  return claimed ? null : html`<span>${t.notReportedDetail}</span>`;
}

function where(app: App, p: Incident): TemplateResult {
  const k = precisionClass(p.location_precision);
  const unit = p.unit_id ? app.unitName(p.unit_id) : p.district;
  // A tehsil's name is asked for when the first incident in it is opened.
  const sub = p.subunit_id ? app.other(p.subunit_id)?.properties : undefined;
  if (p.subunit_id && !sub) void app.place(p.subunit_id).catch(() => {});
  const inSub = p.place_kind === 'subunit' && sub;
  const former = p.unit_id ? app.former(p.unit_id) : undefined;
  const names = [
    p.location_name || p.location_text,
    inSub ? null : sub && localName(sub),
    unit,
    p.province && app.provinceName(p.province),
    p.country ? (t.countries[p.country] ?? p.country) : null,
  ]
    .filter((x): x is string => !!x && x !== former?.name && x !== (former && localName(former)))
    .filter((x, i, a) => a.findIndex((y) => y.toLowerCase() === x.toLowerCase()) === i);
  const now = former
    ? t.thenNow((former.units ?? []).map((id) => app.unitName(id)).join(t.comma))
    : p.district_then
      ? t.thenWas(p.district_then)
      : null;
  const cand = (p.candidates ?? [])
    .map((c) => (typeof c === 'string' ? app.unitName(c) : c.unit_id ? app.unitName(c.unit_id) : (c.name ?? '')))
    .filter(Boolean);
  const long =
    p.place_kind === 'border'
      ? t.precisionLong[4]!
      : inSub
        ? t.inSubunit(t.subunitKinds[sub.kind] ?? sub.kind, localName(sub))
        : k === 2
          ? `${precisionWords(p)}; ${t.placeInItNot}`
          : t.precisionLong[k]!;
  return html`<span class="pw">${icon(`p${k}`)}<span>${names.length ? names.map((n, j) => html`${j ? t.comma : ''}<bdi>${n}</bdi>`) : t.precisions[6]}<small>${long}${p.location_precision_code ? html`. ${t.sourceCode(p.location_precision_code)}` : nothing}</small>${
    now ? html`<small>${now}</small>` : nothing
  }${
    cand.length ? html`<small class="amb">${t.ambiguous(cand.join(t.or))}</small>` : nothing
  }${p.location_text && p.location_name && p.location_text.trim() !== p.location_name.trim() ? html`<small dir="auto">${t.quotes[0]}${p.location_text}${t.quotes[1]}</small>` : nothing}</span></span>`;
}

function borderText(p: Incident): string {
  const lo = Math.round(p.border_km_min ?? 0);
  const hi = Math.round(p.border_km_max ?? 0);
  const side = p.border_side ? t.borderSide[p.border_side] : null;
  if (hi === 0) return t.onBorder;
  const km = lo === 0 && hi > 0 ? t.upToKm(hi) : t.km(lo, hi);
  return side ? `${side}, ${km}` : km;
}

function warnings(app: App, p: Incident): TemplateResult | typeof nothing {
  const list = (p.warnings ?? []).map((w) => {
    const code = typeof w === 'string' ? w : w.code;
    const text =
      (language() === 'en' && typeof w === 'object' && w.text) || t.warnings[code] || code.replace(/_/g, ' ');
    const km = typeof w === 'object' && w.distance_km ? ` ${t.warningKm(Math.round(w.distance_km))}` : '';
    return html`<li>${text}${km}</li>`;
  });
  void app;
  return list.length ? html`<div class="bn w wl"><ul>${list}</ul></div>` : nothing;
}

/** likelyReasons puts into words why two records may be about one event. */
export function likelyReasons(d: Likely): string {
  const words = d.reasons
    .map((r) =>
      r === 'within_5_km' && typeof d.distance_km === 'number'
        ? t.kmApart(d.distance_km)
        : (t.likelyReasons[r] ?? r.replace(/_/g, ' ')),
    )
    .join(t.comma);
  return words && `${words[0]!.toUpperCase()}${words.slice(1)}.`;
}

function likely(app: App, p: Incident): TemplateResult | typeof nothing {
  const list = p.likely_duplicates ?? [];
  if (!list.length) return nothing;
  return html`<ul class="lk2" data-likely>${list.map((d) => {
    const go = (e: MouseEvent) => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault();
      void app.open(d.id);
    };
    return html`<li>${t.likely[0]}<a href="?incident=${encodeURIComponent(d.id)}" @click=${go}><bdi>${t.likelyRecord(d.id, app.datasetTitle(d.dataset))}</bdi></a>${t.likely[1]}<small>${likelyReasons(d)}</small></li>`;
  })}</ul>`;
}
