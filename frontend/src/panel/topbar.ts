// The bar at the top: name, download, share, theme. What does not exist yet has no button.
import { html, nothing, render } from 'lit';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import type { App } from '../state/app';
import { Search } from './search';

export class TopBar {
  private open = false;
  private search: Search;

  constructor(
    private app: App,
    private host: HTMLElement,
    private share: () => void,
  ) {
    this.search = new Search(app, () => this.draw());
    document.addEventListener('click', (e) => {
      if (this.open && !(e.target as Element).closest('.dl')) this.close(false);
    });
    document.addEventListener('keydown', (e) => {
      if (e.key === 'Escape' && this.open) this.close(true);
    });
  }
  private close(focus: boolean): void {
    this.open = false;
    this.draw();
    if (focus) this.host.querySelector<HTMLElement>('[data-download]')?.focus();
  }

  draw(): void {
    const app = this.app;
    const dark = app.theme === 'dark';
    const n = app.tally.total;
    const parts = this.open ? app.apiParts({ sortby: '-start_date', limit: '10000' }) : [];
    render(
      html`<div class="brand">Sarhad<span class="ar" lang="ur" dir="rtl">سرحد</span><small>${t.brandSub}</small></div>
      ${this.search.el}
      <nav class="tb" aria-label=${t.menu}>
        <button type="button" class="sq" data-search-button aria-label=${t.search} @click=${() => this.search.begin()}>${icon('search')}</button>
        <button type="button" class=${app.loadOpen ? 'on' : ''} data-load aria-label=${t.load.button} aria-expanded=${app.loadOpen} @click=${() => {
          if (app.loadOpen) app.closeLoad();
          else app.openLoad();
        }}>${icon('up')}<span class="wd">${t.load.button}</span></button>
        <span class="dl"><button type="button" class=${this.open ? 'on' : ''} data-download aria-expanded=${this.open} aria-label=${t.download} @click=${() => {
          this.open = !this.open;
          this.draw();
        }}>${icon('down')}<span class="wd">${t.download}</span></button>${
          this.open
            ? html`<div class="menu" id="download-menu"><h2>${t.asFiltered(n)}</h2>${parts.map((p) => html`<a class="mi" download="sarhad-incidents.geojson" href="./collections/incidents/items?${p.params}"><span>${p.label ? t.downloadOf(p.label) : t.geojson}</span></a>`)}${
                parts.length > 1 || n > 10000
                  ? html`<hr>${parts.length > 1 ? html`<p>${t.downloadParts}</p>` : nothing}${n > 10000 ? html`<p>${t.downloadCap}</p>` : nothing}`
                  : nothing
              }</div>`
            : nothing
        }</span>
        <button type="button" data-share aria-label=${t.share} @click=${this.share}>${icon('link')}<span class="wd">${t.share}</span></button>
        <span class="sep"></span>
        <button type="button" data-theme-button aria-label="${t.theme}: ${dark ? t.themeTo.dark : t.themeTo.light}" title=${t.theme} @click=${() => {
          app.set({ theme: dark ? 'light' : 'dark' });
          app.applyTheme();
        }}>${icon('theme')}</button>
      </nav>`,
      this.host,
    );
  }
}
