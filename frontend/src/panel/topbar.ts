// The bar at the top: name, download, share, theme. What does not exist yet has no button.
import { html, nothing, render, type TemplateResult } from 'lit';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import type { Menus } from '../out/menu';
import { type App, lazily } from '../state/app';
import { LanguageMenu } from './language';
import { Search } from './search';

export class TopBar {
  private open: 'download' | 'share' | null = null;
  /** what stands in the menus, loaded when one is opened first */
  private menus: Menus | null = null;
  private search: Search;
  private language: LanguageMenu;

  constructor(
    private app: App,
    private host: HTMLElement,
    private say: (text: string) => void,
  ) {
    this.search = new Search(app, () => this.draw());
    this.language = new LanguageMenu(app);
    document.addEventListener('click', (e) => {
      if (this.open && e.target instanceof Element && e.target.isConnected && !e.target.closest(`.dl.${this.open}`))
        this.close(false);
    });
    document.addEventListener('keydown', (e) => {
      if (e.key === 'Escape' && this.open) this.close(true);
    });
  }
  private close(focus: boolean): void {
    const from = this.open;
    this.open = null;
    this.draw();
    if (focus) this.host.querySelector<HTMLElement>(`[data-${from}]`)?.focus();
  }
  private async toggle(which: 'download' | 'share'): Promise<void> {
    this.open = this.open === which ? null : which;
    this.draw();
    if (this.menus) return;
    const { Menus } = await lazily();
    this.menus ??= new Menus(this.app, this.say, () => this.draw());
    this.draw();
  }
  private menu(which: 'download' | 'share', name: string, sign: string): TemplateResult {
    const on = this.open === which;
    return html`<span class="dl ${which}"><button type="button" class=${on ? 'on' : ''} data-download=${which === 'download' ? '' : nothing} data-share=${which === 'share' ? '' : nothing} aria-expanded=${on} aria-label=${name} @click=${() => void this.toggle(which)}>${icon(sign)}<span class="wd">${name}</span></button>${on && this.menus ? this.menus[which]() : nothing}</span>`;
  }

  draw(): void {
    const app = this.app;
    const dark = app.theme === 'dark';
    render(
      html`<div class="brand">Sarhad<span class="ar" lang="ur" dir="rtl">سرحد</span><small>${t.brandSub}</small></div>
      ${this.search.el}
      <nav class="tb" aria-label=${t.menu}>
        <button type="button" class="sq" data-search-button aria-label=${t.search} @click=${() => this.search.begin()}>${icon('search')}</button>
        <button type="button" class=${app.loadOpen ? 'on' : ''} data-load aria-label=${t.load.button} aria-expanded=${app.loadOpen} @click=${() => {
          if (app.loadOpen) app.closeLoad();
          else app.openLoad();
        }}>${icon('up')}<span class="wd">${t.load.button}</span></button>
        ${this.menu('download', t.download, 'down')}${this.menu('share', t.share, 'link')}
        <span class="sep"></span>
        ${this.language.el}
        <button type="button" data-theme-button aria-label="${t.theme}: ${dark ? t.themeTo.dark : t.themeTo.light}" title=${t.theme} @click=${() => {
          app.set({ theme: dark ? 'light' : 'dark' });
          app.applyTheme();
        }}>${icon('theme')}</button>
      </nav>`,
      this.host,
    );
  }
}
