// The picture: title, days, filters, the map as it is shown, legend, border note, whose data, address. It is laid out
// like the page, out of sight and in light colours, and then painted.

import { html, nothing, render } from 'lit';
import { fmtRange, iso } from '../lib/dates';
import { t } from '../lib/strings.en';
import { fmt } from '../lib/text';
import { attribution, borderNote } from '../panel/attribution';
import { killed } from '../panel/sums';
import { MapView } from '../space/map';
import type { App, Change } from '../state/app';
import { paint } from './paint';
import { filterWords, shown } from './words';

const WIDTH = 1600;
const HEIGHT = 1000;

export interface Picture {
  blob: Blob;
  name: string;
  /** the lines of text in it */
  texts: string[];
}

/** picture draws the view. It fails when the browser gives no canvas of this size. */
export async function picture(app: App): Promise<Picture> {
  // The map stands at the zoom that it is shown at, so that clusters and labels are those the reader saw.
  const seen = document.getElementById('mapw')!.getBoundingClientRect();
  const w = Math.round(Math.max(800, Math.min(WIDTH, Math.max(seen.width, (seen.height * WIDTH) / HEIGHT))));
  const scale = WIDTH / w;
  const { datasets } = app;
  // Its map has a state of its own, and cannot change that of the page.
  const still: App = Object.assign(Object.create(app) as App, {
    state: { ...app.state, embed: false },
    datasets: datasets && { ...datasets, datasets: shown(app), base_layer: null },
    moving: false,
    set() {},
    touch() {},
    writeUrl() {},
  });
  const box = document.createElement('div');
  box.className = 'poster';
  box.style.width = `${w}px`;
  box.style.height = `${HEIGHT / scale}px`;
  box.style.fontSize = `${(13 * w) / 1000}px`;
  box.inert = true;
  const filters = filterWords(app);
  const tl = app.tally;
  const b = app.compared && app.state.compare;
  render(
    html`<header><h2>${b ? t.compare.changeOf[app.state.shade] : t.titles[app.state.shade]}</h2><p>${b ? html`A <b>${fmtRange(...app.window)}</b>, B <b>${fmtRange(...b)}</b> · A ` : html`<b>${fmtRange(...app.window)}</b> · `}<b class="num">${fmt(tl.total)}</b> ${t.incidents(tl.total)} · <b class="num">${killed(tl)}</b> ${t.killed}${tl.silent ? html` · ${t.notReported(tl.silent)}` : nothing} · ${t.region}</p>
      ${filters.length ? html`<p>${t.out.filters(filters.join(t.comma))}</p>` : nothing}</header><div class="mapw"></div>
      <footer><p>${borderNote(app)}${datasets?.base_layer ? ` ${t.out.noBase}.` : ''}</p><p>${attribution(still)}</p><p><bdi>${app.link.length < 220 ? app.link : location.origin + location.pathname}</bdi></p></footer>`,
    box,
  );
  document.body.append(box);
  const root = document.documentElement;
  const theme = root.dataset.theme;
  const map = new MapView(still, box.querySelector<HTMLElement>('.mapw')!, scale);
  try {
    await map.land;
    await document.fonts.ready;
    const canvas = document.createElement('canvas');
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const c = canvas.getContext('2d')!;
    // Everything between these two lines happens in one task: no reader sees the page turn light.
    root.dataset.theme = 'light';
    const all: Change = { data: true, filter: true, window: true, view: true, ui: true, rest: true };
    map.draw(all);
    map.draw(all); // names keep clear of the legend, which is there now
    const texts = paint(c, box, scale);
    root.dataset.theme = theme;
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
    if (!blob) throw new Error(t.out.pictureFailed);
    const [from, to] = app.window;
    return { blob, name: `sarhad-${iso(from)}-${iso(to)}.png`, texts };
  } finally {
    root.dataset.theme = theme;
    map.close();
    box.remove();
  }
}
