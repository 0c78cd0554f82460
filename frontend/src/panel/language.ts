// The menu of languages, each by its own name, and of the figures where a language has some of its own.
import { html, nothing, render } from 'lit';
import { LANGUAGES, language, onWords, unreviewed } from '../lib/i18n';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import type { App } from '../state/app';
import { LANGS, type State } from '../state/permalink';
import './language.css';

export class LanguageMenu {
  readonly el = document.createElement('span');
  private open = false;
  private failed = false;

  constructor(private app: App) {
    this.el.className = 'dl lang';
    document.addEventListener('click', (e) => {
      if (this.open && !this.el.contains(e.target as Node)) this.toggle(false);
    });
    this.el.addEventListener('keydown', (e) => this.key(e));
    onWords(() => this.draw());
    this.draw();
  }

  private toggle(open: boolean, focus = false): void {
    this.open = open;
    this.failed = false;
    this.draw();
    if (open) this.el.querySelector<HTMLElement>('[aria-checked=true]')?.focus();
    else if (focus) this.el.querySelector('button')?.focus();
  }

  private key(e: KeyboardEvent): void {
    if (!this.open) return;
    const all = [...this.el.querySelectorAll<HTMLElement>('.menu button')];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const n = all.length;
    const to = { ArrowDown: (at + 1) % n, ArrowUp: (at - 1 + n) % n, Home: 0, End: n - 1 }[e.key];
    if (e.key === 'Escape') this.toggle(false, true);
    else if (to !== undefined) all[to]!.focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  /** choose takes the state back where the words do not come. */
  private async choose(patch: Partial<Pick<State, 'lang' | 'numerals'>>): Promise<void> {
    const { lang, numerals } = this.app.state;
    this.app.set(patch);
    this.failed = !(await this.app.applyLanguage());
    if (this.failed) {
      this.app.set({ lang, numerals });
      this.draw();
    } else this.toggle(false, true);
  }

  private draw(): void {
    const now = language();
    const item = (words: string, on: boolean, lang: string, take: () => void) =>
      html`<button type="button" role="menuitemradio" aria-checked=${on} lang=${lang || nothing} dir=${lang ? 'auto' : nothing} data-choice=${lang || words} @click=${take}>${icon('check')}<span>${words}</span></button>`;
    const { numerals } = this.app.state;
    render(
      html`<button type="button" data-language class=${this.open ? 'on' : ''} aria-haspopup="menu" aria-expanded=${this.open} aria-label="${t.language}: ${LANGUAGES[now]}" title=${t.language} @click=${() => this.toggle(!this.open)}>${icon('globe')}<span class="wd">${LANGUAGES[now]}</span></button>${
        this.open
          ? html`<div class="menu"><div role="menu" aria-label=${t.language}>${LANGS.map((l) => item(LANGUAGES[l], l === now, l, () => void this.choose({ lang: l })))}</div>${
              now === 'en'
                ? nothing
                : html`<hr><h2 id="figures-h">${t.figures}</h2><div role="menu" aria-labelledby="figures-h">${item(t.latinFigures, !numerals, '', () => void this.choose({ numerals: false }))}${item(t.localFigures, numerals, '', () => void this.choose({ numerals: true }))}</div>`
            }${this.failed ? html`<p role="alert">${t.languageFailed}</p>` : unreviewed() ? html`<p>${t.unreviewed}</p>` : nothing}</div>`
          : nothing
      }`,
      this.el,
    );
  }
}
