// The menus of the top bar: what is filtered as files, as a picture, in words to cite; the view as a link and as the
// code of a frame.

import { html, nothing, type TemplateResult } from 'lit';
import { t } from '../lib/strings.en';
import type { App } from '../state/app';
import { picture } from './picture';
import { asked, citation, filterWords, size } from './words';

type Format = keyof typeof t.out.formats;
/** as many incidents are looked at to say how large a file will be */
const LOOK = 100;

export class Menus {
  private drawing = false;
  private failed = false;
  /** the bytes of the first incidents, by question and format */
  private bytes = new Map<string, number>();
  private asking = '';

  constructor(
    private app: App,
    private say: (text: string) => void,
    private changed: () => void,
  ) {}

  private href(f: Format): string {
    const more: Record<string, string> = f === 'hxl' ? { f: 'csv', hxl: '1' } : { f: f === 'json' ? 'geojsonall' : f };
    return `./collections/incidents/items?${this.app.apiQuery({ sortby: '-start_date', ...more })}`;
  }

  /** look asks for the beginning of some files, to tell how large the whole ones will be. */
  private async look(key: string): Promise<void> {
    this.asking = key;
    for (const f of ['csv', 'geojsonseq', 'kml'] as const) {
      const r = await fetch(`${this.href(f)}&limit=${LOOK}`).catch(() => null);
      if (r?.ok) this.bytes.set(key + f, (await r.arrayBuffer()).byteLength);
    }
    this.changed();
  }
  private size(key: string, f: Format): string {
    const n = this.app.tally.total;
    const b = this.bytes.get(key + ({ hxl: 'csv', json: 'geojsonseq' }[f as string] ?? f));
    if (!b || !n) return '';
    return n <= LOOK && f !== 'hxl' && f !== 'json' ? size(b) : t.out.about(size((b * n) / Math.min(n, LOOK)));
  }

  download(): TemplateResult {
    const app = this.app;
    const n = app.tally.total;
    const { items, counts } = asked(app);
    const names = counts.map((d) => d.title || d.name).join(t.comma);
    const only = counts.length > 0 && !items.length;
    const key = `${app.header?.change}|${app.apiQuery()}|`;
    if (n && !only && this.asking !== key) void this.look(key);
    const formats = Object.keys(t.out.formats) as Format[];
    const picture = this.drawing ? t.out.drawing : t.out.pictureHas;
    return html`<div class="menu" id="download-menu"><h2>${t.asFiltered(n)}</h2>
      ${
        only
          ? html`<p>${t.out.countsOnly(names, counts.length)}</p><a class="mi" download href="./aggregates?${this.counts(counts.map((d) => d.name))}"><span>${t.out.counts}</span></a>`
          : html`${formats.map((f) => html`<a class="mi" data-format=${f} download href=${this.href(f)}><span>${t.out.formats[f]}</span><small class="num">${this.size(key, f)}</small></a>`)}
            ${names ? html`<p>${t.out.without(names)}</p>` : nothing}`
      }
      <hr><button type="button" class="mi" data-picture aria-disabled=${this.drawing} @click=${() => void this.draw()}><span>${t.out.picture}</span><small>${picture}</small></button>
      ${this.failed ? html`<p role="alert">${t.out.pictureFailed}</p>` : nothing}
      <hr><h2 id="cite-h">${t.out.cite}</h2><textarea readonly rows="5" aria-labelledby="cite-h" data-cite dir="auto" .value=${citation(app, Math.floor(Date.now() / 864e5))}></textarea>
      <button type="button" class="mi" data-copy-cite @click=${(e: Event) => void this.copy(e, t.out.cited)}><span>${t.out.copyCite}</span></button></div>`;
  }
  private counts(names: string[]): URLSearchParams {
    const q = this.app.apiQuery({ by: 'unit,month', f: 'csv' });
    q.set('dataset', names.join(','));
    return q;
  }

  share(): TemplateResult {
    const app = this.app;
    const code = `<iframe src="${framed(app).replace(/&/g, '&amp;')}" width="960" height="600" style="border:0" loading="lazy" title="${attr([t.titles[app.state.shade], ...filterWords(app)].join(t.comma))}"></iframe>`;
    const field = (id: string, label: string, value: string, rows: number, done: string) =>
      html`<div class="sf"><h2 id=${id}>${label}</h2><textarea readonly rows=${rows} aria-labelledby=${id} dir="ltr" data-share-text=${id} .value=${value}></textarea>
        <button type="button" class="mi" data-copy=${id} aria-label=${t.out.copyOf(label)} @click=${(e: Event) => void this.copy(e, done)}><span>${t.out.copy}</span></button></div>`;
    return html`<div class="menu" id="share-menu">${field('share-link', t.out.link, app.link, 2, t.copied)}<hr>${field('share-frame', t.out.frame, code, 4, t.out.frameCopied)}<p>${t.out.frameNote}</p></div>`;
  }

  /** copy takes the text in front of the button that was pressed. */
  private async copy(e: Event, done: string): Promise<void> {
    const text = (e.currentTarget as Element).previousElementSibling as HTMLTextAreaElement;
    try {
      await navigator.clipboard.writeText(text.value);
      this.say(done);
    } catch {
      text.focus();
      text.select();
      this.say(t.out.notCopied);
    }
  }

  private async draw(): Promise<void> {
    if (this.drawing) return;
    this.drawing = true;
    this.failed = false;
    this.changed();
    try {
      const made = await picture(this.app);
      const a = document.createElement('a');
      a.href = URL.createObjectURL(made.blob);
      a.download = made.name;
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
      document.dispatchEvent(new CustomEvent('sarhad:picture', { detail: made }));
    } catch {
      this.failed = true;
    }
    this.drawing = false;
    this.changed();
  }
}

const attr = (s: string) => s.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');

/** framed is the address of the view for a frame in another page. */
const framed = (app: App): string => `${app.link}${app.link.includes('?') ? '&' : '?'}embed=1`;
