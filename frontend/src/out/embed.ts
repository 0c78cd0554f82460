// The title box in a frame of another page, in place of top bar and panel. Everything that would need them opens the
// whole page in a tab of its own.

import { html, nothing, render } from 'lit';
import { fmtRange } from '../lib/dates';
import { t } from '../lib/strings.en';
import { fmt } from '../lib/text';
import { chipList } from '../panel/chips';
import { killed } from '../panel/sums';
import type { App } from '../state/app';
import { encode, type State } from '../state/permalink';

export class Embed {
  constructor(
    private app: App,
    private host: HTMLElement,
    map: HTMLElement,
  ) {
    document.documentElement.dataset.embed = '';
    map.prepend(host);
    const set = app.set.bind(app);
    app.set = (patch, what) => {
      if (patch.only) this.whole(patch);
      else set(patch, what);
    };
    app.select = (row) => this.whole({ incident: String(app.model!.cols.fid[row]) });
  }

  private address(patch: Partial<State>): string {
    const q = encode({ ...this.app.state, ...patch, embed: false });
    return `${location.origin}${location.pathname}${q && `?${q}`}`;
  }
  private whole(patch: Partial<State>): void {
    window.open(this.address(patch), '_blank', 'noopener');
  }

  draw(): void {
    const app = this.app;
    const tl = app.tally;
    const wait = !app.model;
    const chips = chipList(app);
    render(
      html`<h1>${t.titles[app.state.shade]}</h1><p>${wait && app.failed ? html`<span role="alert">${t.failTitle}</span>` : html`<bdi>${fmtRange(...app.window)}</bdi> · <b class="num" data-count="incidents">${wait ? '–' : fmt(tl.total)}</b> ${app.progress ? t.soFarOf(app.progress.count) : t.incidents(tl.total)}${wait ? nothing : html` · <b class="num" data-count="best">${killed(tl)}</b> ${t.killed}${tl.silent ? html`<span class="un"> · ${t.notReported(tl.silent)}</span>` : nothing}`}${chips.map((c) => html`<span class="un"> · <bdi>${c.label}</bdi></span>`)}`} · <a href=${this.address({})} target="_blank" rel="noopener">${t.out.open}<span class="vh"> (${t.out.newTab})</span></a></p>${
        chips.length
          ? html`<details class="flt"><summary>${t.filtersOn(chips.length)}</summary><ul>${chips.map((c) => html`<li><bdi>${c.label}</bdi></li>`)}</ul></details>`
          : nothing
      }`,
      this.host,
    );
  }
}
