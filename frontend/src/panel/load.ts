// Loading files: the token, the files and how to load them, their way into the store, the report, undo.
import { html, nothing, type TemplateResult } from 'lit';
import type { Job, Report } from '../api/imports';
import { ended } from '../api/imports';
import { fmtDay, parseIso } from '../lib/dates';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { fmt } from '../lib/text';
import type { App } from '../state/app';
import { balances, bytes, type Entry, limit, share, statusText, type Uploads } from '../state/uploads';

const FORMATS = ['auto', 'ged', 'acled', 'table', 'geojson', 'gpkg'];
const l = t.load;

export class LoadView {
  private app: App;
  private up: Uploads;
  private typed = '';
  private pending = false;
  private noted = '';

  constructor(app: App, up: Uploads) {
    this.app = app;
    this.up = up;
  }

  /** begin is called when the view opens. */
  begin(): void {
    void this.up.open();
  }
  private draw(): void {
    this.app.touch({ ui: true });
  }

  view(): TemplateResult {
    const up = this.up;
    return html`<div class="d-bar"><button type="button" class="btn bare" data-load-back @click=${() => this.app.closeLoad()}>${icon('chl')}${l.back}</button></div>
      <div class="scroll" tabindex="0" aria-labelledby="load-h" role="region"><div class="d-in ld">
        <h1 class="d-h" id="load-h" tabindex="-1">${l.title}</h1>
        <p class="lead">${l.intro}${up.max ? html` ${l.upTo(limit(up.max))}` : nothing}</p>
        ${this.access()}
        ${up.access === 'ok' ? html`${this.choose()}${this.session()}${this.former()}` : nothing}
        <div class="vh" role="status" aria-live="polite" data-load-live>${up.live}</div>
      </div></div>`;
  }

  // ---- the token

  private access(): TemplateResult | typeof nothing {
    const up = this.up;
    switch (up.access) {
      case 'unknown':
        return html`<p class="note">${l.checking}</p>`;
      case 'off':
        return html`<div class="bn w" role="alert" data-load-off><span><b>${l.offTitle}</b>${l.offText}<code>${l.offCmd}</code>${l.offElse}<code>${l.offImport}</code></span></div>
          ${this.waitingFiles()}`;
      case 'read':
        return html`<p class="note" data-load-read>${l.tokenRead}</p>${this.forgetToken()}`;
      case 'down':
        return html`<div class="bn w" role="alert"><span><b>${l.downTitle}</b>${up.why}</span><button type="button" class="btn" @click=${() => void up.refresh()}>${t.tryAgain}</button></div>`;
      case 'ok':
        return nothing;
    }
    const wrong = up.access === 'wrong';
    return html`<form class="tok" @submit=${(e: Event) => {
      e.preventDefault();
      if (this.pending || !this.typed.trim()) return;
      this.pending = true;
      void up.useToken(this.typed).finally(() => {
        this.pending = false;
        this.typed = '';
        this.draw();
        requestAnimationFrame(() =>
          document.querySelector<HTMLElement>(up.access === 'ok' ? '[data-choose]' : '#load-token')?.focus(),
        );
      });
      this.draw();
    }}>
      <label for="load-token">${l.token}</label>
      <div class="two-in"><input id="load-token" class="inp ${wrong ? 'bad' : ''}" type="password" autocomplete="off" spellcheck="false" aria-describedby="load-token-note ${wrong ? 'load-token-wrong' : ''}" aria-invalid=${wrong} .value=${this.typed}
        @input=${(e: Event) => {
          this.typed = (e.target as HTMLInputElement).value;
        }}><button type="submit" class="btn pri" ?disabled=${this.pending}>${l.tokenUse}</button></div>
      ${wrong ? html`<p class="wrong" id="load-token-wrong" role="alert">${l.tokenWrong}</p>` : nothing}
      <p class="note" id="load-token-note">${l.tokenNote}</p>
    </form>${this.waitingFiles()}`;
  }

  /** waitingFiles are files that were dropped before the token was given. */
  private waitingFiles(): TemplateResult | typeof nothing {
    return this.up.chosen.length ? html`<h2 class="s">${l.files}</h2>${this.fileList()}` : nothing;
  }

  // ---- files and options

  private fileList(): TemplateResult {
    return html`<ul class="files">${this.up.chosen.map(
      (f) =>
        html`<li><bdi>${f.name}</bdi><span class="num">${bytes(f.size)}</span><button type="button" class="btn bare sq" aria-label=${l.remove(f.name)} title=${l.remove(f.name)} @click=${() => {
          this.up.drop(f);
          requestAnimationFrame(() => document.querySelector<HTMLElement>('[data-choose]')?.focus());
        }}>${icon('x')}</button></li>`,
    )}</ul>`;
  }

  /** take puts files into the list; folders are left out. */
  take(list: DataTransfer): void {
    const files: File[] = [];
    let folder = false;
    for (const item of list.items) {
      if (item.kind !== 'file') continue;
      if (item.webkitGetAsEntry?.()?.isDirectory) {
        folder = true;
        continue;
      }
      const f = item.getAsFile();
      if (f) files.push(f);
    }
    this.noted = folder ? l.noFiles : '';
    this.up.choose(files);
    this.app.openLoad();
    this.draw();
  }

  private choose(): TemplateResult {
    const up = this.up;
    const o = up.options;
    const n = up.chosen.length;
    const why = n ? up.refusal : '';
    const set = (patch: Partial<typeof o>) => {
      Object.assign(o, patch);
      this.draw();
    };
    const check = (key: 'replace' | 'strict' | 'dryRun', label: string, hint: string) =>
      html`<label class="ck"><input type="checkbox" data-opt=${key} .checked=${o[key]} @change=${(e: Event) => set({ [key]: (e.target as HTMLInputElement).checked })}><span>${label}<small>${hint}</small></span></label>`;
    return html`<section aria-label=${l.files}>
      <div class="dropbox"><input type="file" multiple id="load-files" class="vh" tabindex="-1" aria-hidden="true" @change=${(
        e: Event,
      ) => {
        const input = e.target as HTMLInputElement;
        this.noted = '';
        up.choose(input.files ?? []);
        input.value = '';
      }}><button type="button" class="btn ${n ? '' : 'pri'}" data-choose @click=${() => document.getElementById('load-files')!.click()}>${l.choose}</button><span>${l.or}</span></div>
      ${this.noted ? html`<p class="note" role="status">${this.noted}</p>` : nothing}
      ${n ? this.fileList() : nothing}
      ${
        n
          ? html`<fieldset class="opts"><legend>${l.options}</legend>
      <label class="fld"><span>${l.dataset}</span><input class="inp" data-opt="dataset" type="text" spellcheck="false" autocomplete="off" maxlength="100" aria-describedby="ds-hint" .value=${o.dataset} @input=${(e: Event) => set({ dataset: (e.target as HTMLInputElement).value })}></label>
      <p class="note" id="ds-hint">${l.datasetHint}</p>
      <label class="fld"><span>${l.format}</span><select class="inp" data-opt="format" @change=${(e: Event) => set({ format: (e.target as HTMLSelectElement).value })}>${FORMATS.map((f) => html`<option value=${f} ?selected=${f === o.format}>${l.formats[f]}</option>`)}</select></label>
      ${check('dryRun', l.dry, l.dryHint)}${check('strict', l.strict, l.strictHint)}${check('replace', l.replace, l.replaceHint)}
      <details class="map" ?open=${!!o.mapping}><summary>${l.mapping}<span class="v">${o.mapping.trim() ? l.mappingSet : l.none}</span>${icon('chev')}</summary>
        <p class="note" id="map-hint">${l.mappingHint}</p>
        <textarea class="inp" data-opt="mapping" rows="7" spellcheck="false" aria-label=${l.mapping} aria-describedby="map-hint" .value=${o.mapping} @input=${(
          e: Event,
        ) => {
          o.mapping = (e.target as HTMLTextAreaElement).value;
        }} @change=${() => this.draw()}></textarea></details>
      </fieldset>
      ${why ? html`<p class="wrong" role="alert">${why}</p>` : nothing}
      <button type="button" class="btn pri big" data-start ?disabled=${!!why} @click=${() => {
        up.start();
        requestAnimationFrame(() =>
          requestAnimationFrame(() =>
            document.querySelector<HTMLElement>('#load-now')?.focus({ preventScroll: false }),
          ),
        );
      }}>${l.start(n, o.dryRun)}</button>`
          : nothing
      }</section>`;
  }

  // ---- on the way, and what became of it

  private session(): TemplateResult | typeof nothing {
    const list = this.up.entries;
    if (!list.length) return nothing;
    return html`<h2 class="s" id="load-now" tabindex="-1">${l.now}</h2><ul class="jobs">${list.map((e) => this.entry(e, true))}</ul>`;
  }

  private former(): TemplateResult {
    const list = this.up.former;
    return html`<h2 class="s">${l.former}${list.length ? html`<small class="num">${fmt(list.length)}</small>` : nothing}</h2>
      ${list.length ? html`<ul class="jobs old">${list.map((e) => this.entry(e, false))}</ul>` : html`<p class="note">${l.formerNone}</p>`}
      <p class="note tk">${l.tokenOk}. ${this.forgetToken()}</p>`;
  }
  private forgetToken(): TemplateResult {
    return html`<button type="button" class="lnk" @click=${() => {
      this.up.forget();
      requestAnimationFrame(() =>
        requestAnimationFrame(() => document.querySelector<HTMLElement>('#load-token')?.focus()),
      );
    }}>${l.tokenForget}</button>`;
  }

  private entry(e: Entry, mine: boolean): TemplateResult {
    const j = e.job;
    const going = e.stage !== 'failed' && (!j || !ended(j));
    const whole = mine || e.open || going;
    return html`<li class="job" data-job=${e.key} data-state=${j?.state ?? e.stage}>
      ${
        mine || going
          ? html`<h3><bdi>${e.name}</bdi></h3><p class="st ${e.stage === 'failed' || j?.state === 'failed' ? 'er' : ''}" data-status>${statusText(e)}${going ? nothing : this.tail(e)}</p>`
          : html`<button type="button" class="fold" aria-expanded=${e.open} @click=${() => void this.up.more(e)}><span class="nm"><bdi>${e.name}</bdi></span><span class="wd ${j!.state === 'failed' ? 'er' : ''}">${l.stateWords[j!.dry_run && j!.state === 'done' ? 'dry' : j!.state]}</span>${icon(e.open ? 'chev' : 'chr')}<small>${this.about(j!)}</small></button>`
      }
      ${going ? this.progress(e) : nothing}
      ${whole ? this.outcome(e) : nothing}
      ${e.error && e.stage !== 'failed' ? html`<div class="bn e" role="alert"><span>${e.error}</span></div>` : nothing}
      ${going ? this.cancel(e) : whole ? this.acts(e) : nothing}
    </li>`;
  }

  /** tail says where the rows of a load went. */
  private tail(e: Entry): string {
    const j = e.job;
    const r = j?.report;
    if (!r?.dataset || j?.state !== 'done' || r.stored === false) return '';
    const layout = l.readAs[j.format];
    return ` ${l.into(r.dataset)}${layout ? `, ${layout}` : ''}`;
  }

  private about(j: Job): TemplateResult {
    const day = j.ended ?? j.started ?? j.received;
    const d = day ? parseIso(day.slice(0, 10)) : null;
    const parts = [j.dataset, j.rows ? l.rows(j.rows) : null].filter((x): x is string => !!x);
    return html`${d === null ? nothing : fmtDay(d)}${parts.map((x, k) => html`${k || d !== null ? ' · ' : ''}<bdi>${x}</bdi>`)}${j.who ? html` · <bdi>${j.who}</bdi>` : nothing}`;
  }

  private progress(e: Entry): TemplateResult {
    const pc = share(e);
    const now = pc === null ? nothing : Math.floor(pc * 100);
    return html`<div class="bar2 ${e.stage === 'sending' ? 'snd' : ''}" role="progressbar" aria-label=${l.progress(e.name)} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${now} aria-valuetext=${statusText(e)}><i style="transform:scaleX(${(pc ?? 0).toFixed(3)})"></i></div>`;
  }

  private cancel(e: Entry): TemplateResult {
    return html`<div class="acts"><button type="button" class="btn" aria-label=${l.cancelOf(e.name)} ?disabled=${e.busy} @click=${() => void this.up.undo(e)}>${l.cancel}</button></div>`;
  }

  private outcome(e: Entry): TemplateResult | typeof nothing {
    const j = e.job;
    if (!j || !ended(j)) return nothing;
    return html`${j.problem ? html`<div class="bn e" role="alert"><span dir="auto">${j.problem}</span></div>` : nothing}
      ${e.undone ? html`<p class="note" data-undone>${l.undoWas(e.undone.removed, e.undone.restored, e.undone.kept)}</p>` : nothing}
      ${j.report ? this.report(e, j, j.report) : e.open && !j.problem ? html`<p class="note">${l.noReport}</p>` : nothing}`;
  }

  private report(e: Entry, j: Job, r: Report): TemplateResult {
    const stored = r.stored !== false;
    const max = Math.max(1, r.new, r.changed, r.unchanged, r.rejected);
    const row = (label: string, n: number, sign: string) =>
      html`<tr class=${n ? '' : 'zero'}><td class="sg" aria-hidden="true">${sign}</td><td class="n num">${fmt(n)}</td><th scope="row">${label}</th><td class="b" aria-hidden="true"><span class="tick"><i style="transform:scaleX(${n ? Math.max(0.014, n / max).toFixed(3) : 0})"></i></span></td></tr>`;
    const ok = balances(r);
    return html`<div class="rep" data-report>
      ${!stored ? html`<p class="note">${l.would}</p>` : nothing}
      <table class="sum" aria-label=${l.sum(r)}><tbody>
        ${row(l.new, r.new, '')}${row(l.changed, r.changed, '+')}${row(l.unchanged, r.unchanged, '+')}${row(l.rejected, r.rejected, '+')}
        <tr class="tot"><td class="sg" aria-hidden="true">=</td><td class="n num" data-read>${fmt(r.read)}</td><th scope="row">${l.read(r.read)}</th><td class="b ${ok ? '' : 'er'}">${ok ? l.adds : l.addsNot}</td></tr>
      </tbody></table>
      ${r.gone ? html`<p class="note">${stored ? l.gone(r.gone) : l.wouldGone(r.gone)}</p>` : nothing}
      ${this.warnings(j, r)}${this.rejected(e, j, r)}</div>`;
  }

  private warnings(j: Job, r: Report): TemplateResult | typeof nothing {
    const list = Object.entries(r.warnings ?? {}).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (!list.length) return nothing;
    return html`<h4>${l.warnings}</h4><ul class="ws" data-warnings>${list.map(([code, n]) => {
      const ex = r.doubts?.find((d) => d.code === code);
      return html`<li data-code=${code}><b>${l.rows(n)}</b> ${t.warnings[code] ?? code.replace(/_/g, ' ')}${ex ? html`<small dir="auto">${l.forExample(lineOf(j, ex.line), ex.reason)}</small>` : nothing}</li>`;
    })}</ul>`;
  }

  private rejected(e: Entry, j: Job, r: Report): TemplateResult | typeof nothing {
    if (!r.rejected) return nothing;
    const all = r.rejects ?? [];
    const shown = all.slice(0, e.shown);
    const left = all.length - shown.length;
    return html`<h4>${l.refusedHead} <small class="num">${l.firstOf(shown.length, r.rejected)}</small></h4>
      ${
        shown.length
          ? html`<table class="rj" data-rejected aria-label=${l.refusedHead}><thead><tr><th scope="col" class="ln">${j.format === 'geojson' ? l.feature : l.line}</th><th scope="col">${l.column}</th><th scope="col">${l.value}</th><th scope="col" class="rs">${l.reason}</th></tr></thead><tbody>${shown.map(
              (x) =>
                html`<tr><td class="ln num">${x.line ? fmt(x.line) : '–'}</td><td>${x.column ? html`<bdi>${x.column}</bdi>` : html`<span class="dimmed">${l.wholeRow}</span>`}</td><td class="vl">${x.value ? html`<bdi title=${x.value}>${cut(x.value)}</bdi>` : x.column ? html`<span class="dimmed">${l.empty}</span>` : '–'}</td><td class="rs" dir="auto">${x.reason}</td></tr>`,
            )}</tbody></table>`
          : nothing
      }
      ${
        left > 0
          ? html`<button type="button" class="lnk mr" @click=${() => {
              e.shown += 50;
              this.draw();
            }}>${l.more(Math.min(50, left))}</button>`
          : nothing
      }`;
  }

  private acts(e: Entry): TemplateResult | typeof nothing {
    const j = e.job;
    // What was refused, or only tried, can be sent once more without being chosen again.
    const again = e.file
      ? html`<button type="button" class="btn" data-again @click=${() => {
          this.up.again(e);
          if (e.mend || j) this.toTop();
        }}>${e.mend || j ? (j?.state === 'done' ? l.nowReal : l.mend) : l.tryAgain}</button>`
      : nothing;
    if (e.stage === 'failed') return html`<div class="acts">${again}</div>`;
    if (!j) return nothing;
    const set = j.report?.dataset ?? j.dataset ?? '';
    // A load that was killed may have left whole batches, which can be taken back, too.
    const left = j.state === 'done' ? j.report?.stored !== false : j.state === 'failed' && j.rows > 0;
    const can = left && !j.dry_run && j.import !== null;
    const seen = can && set !== '' && !!this.app.header?.datasets.includes(set);
    const redo = j.state === 'failed' || (j.state === 'done' && j.dry_run);
    if (!can && !j.rejects && !redo) return nothing;
    if (e.asking)
      return html`<div class="sure" role="group" aria-label=${l.undoOf(e.name)}><p>${l.undoSure(e.name)}</p><div class="acts"><button type="button" class="btn pri" data-undo-yes ?disabled=${e.busy} @click=${() => {
        void this.up.undo(e).then(() => this.focus(e, '[data-status], .fold'));
      }}>${e.busy ? l.undoBusy : l.undoYes}</button><button type="button" class="btn" data-undo-no ?disabled=${e.busy} @click=${() => {
        e.asking = false;
        this.draw();
        this.focus(e, '[data-undo]');
      }}>${l.undoNo}</button></div></div>`;
    return html`<div class="acts">
      ${redo ? again : nothing}
      ${
        seen
          ? html`<button type="button" class="btn" data-show @click=${() => {
              this.app.clearFilters();
              this.app.set({ datasets: new Set([set]), from: null, to: null });
              this.app.closeLoad();
            }}>${l.showSet}</button>`
          : nothing
      }
      ${j.rejects ? html`<button type="button" class="btn" data-rejects @click=${() => void this.up.rejects(e)}>${icon('down')}${l.rejects}</button>` : nothing}
      ${
        can
          ? html`<button type="button" class="btn" data-undo aria-label=${l.undoOf(e.name)} @click=${() => {
              e.asking = true;
              this.draw();
              this.focus(e, '[data-undo-no]');
            }}>${l.undo}</button>`
          : nothing
      }</div>${j.rejects ? html`<p class="note">${l.rejectsNote}</p>` : nothing}`;
  }

  private toTop(): void {
    requestAnimationFrame(() => document.getElementById('load-h')?.focus());
  }
  private focus(e: Entry, what: string): void {
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const el = document.querySelector<HTMLElement>(`[data-job="${e.key}"]`)?.querySelector<HTMLElement>(what);
        if (!el) return;
        if (el.tabIndex < 0) el.tabIndex = -1;
        el.focus();
      }),
    );
  }
}

const lineOf = (j: Job, n: number) => (j.format === 'geojson' ? l.featureN(n) : l.lineN(n));
const cut = (s: string) => {
  const a = [...s];
  return a.length > 60 ? `${a.slice(0, 60).join('')}…` : s;
};
