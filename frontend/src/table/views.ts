// Beside the map: the switch to the table, and the second window. Their code is loaded when they are first wanted.
import './views.css';
import { html, render } from 'lit';
import type * as Lazy from '../later';
import { onWords } from '../lib/i18n';
import { t } from '../lib/strings.en';
import { type App, type Change, lazily } from '../state/app';

export class Views {
  private box = document.createElement('div');
  private table: Lazy.TableView | null = null;
  private comparison: Lazy.Comparison | null = null;
  private shown = 'map';

  constructor(
    private app: App,
    private host: HTMLElement,
  ) {
    this.box.className = 'vsw';
    host.prepend(this.box);
    const skip = document.createElement('a');
    skip.className = 'skip';
    skip.href = '#mapw';
    const words = () => {
      skip.textContent = t.table.skip;
    };
    words();
    onWords(words);
    skip.addEventListener('click', (e) => {
      e.preventDefault();
      this.focusDue = true;
      this.show('table');
    });
    document.querySelector('.skip')?.after(skip);
    document.addEventListener('keydown', (e) => this.escape(e), true);
  }

  /** show goes to the table or back to the map, and the focus with it. */
  private show(what: 'map' | 'table'): void {
    const app = this.app;
    if (what === 'table' && app.state.show === 'map') app.enter();
    app.set({ show: what }, { rest: true });
    if (what === 'map') app.leave();
  }
  private focusDue = false;

  /** escape ends the comparison, unless something nearer is to be closed. */
  private escape(e: KeyboardEvent): void {
    const app = this.app;
    if (
      e.key !== 'Escape' ||
      !app.state.compare ||
      app.detail ||
      app.loadOpen ||
      (e.target as Element).closest?.('input:not([type=checkbox]), textarea, select') ||
      document.querySelector('.menu:not([hidden], .tmenu:not([open]) *), .dragging')
    )
      return;
    e.preventDefault();
    this.end();
  }
  private end(): void {
    this.app.set({ compare: null, tab: 'filters' }, { window: true, rest: true });
    requestAnimationFrame(() => document.querySelector<HTMLElement>('[data-compare]')?.focus());
  }

  /** draw comes before the other views: what it counts of the second window, they show. */
  draw(c: Change): void {
    const app = this.app;
    const { show, compare } = app.state;
    if (compare || show === 'table') this.load();
    if (compare) {
      if (this.code) this.comparison ??= new this.code.Comparison(app, () => this.end());
      this.comparison?.count(c);
      app.compared = app.model && this.comparison?.known ? this.comparison : null;
    } else {
      app.compared = null;
      this.comparison?.forget();
    }
    document.documentElement.classList.toggle('compared', !!app.compared);

    if (show !== this.shown) {
      this.shown = show;
      this.host.classList.toggle('tabled', show === 'table');
    }
    render(
      html`<span class="seg" role="group" aria-label=${t.table.label}>${(['map', 'table'] as const).map(
        (k) =>
          html`<button type="button" data-show=${k} class=${show === k ? 'on' : ''} aria-pressed=${show === k} @click=${() => this.show(k)}>${t.table[k]}</button>`,
      )}</span>`,
      this.box,
    );
    if (show === 'table') {
      if (this.code) this.table ??= new this.code.TableView(app, this.host);
      this.table?.draw(c);
      if (this.table && this.focusDue) {
        this.focusDue = false;
        this.table.focus();
      }
    }
    this.table?.hide(show !== 'table');
  }

  private code: typeof Lazy | null = null;
  private asking = false;
  private load(): void {
    if (this.code || this.asking) return;
    this.asking = true;
    lazily()
      .then((m) => {
        this.code = m;
        this.app.touch({ data: true, ui: true, rest: true });
      })
      // The server may be away; the next wish asks again.
      .catch(() => {})
      .finally(() => {
        this.asking = false;
      });
  }
}
