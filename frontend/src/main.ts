import 'leaflet/dist/leaflet.css';
import './palette.css';
import './sarhad.css';
import './languages.css';
import './out/out.css';
import './table/comparison.css';
import './table/table.css';
import './low.css';
import { fmtRange } from './lib/dates';
import { onWords } from './lib/i18n';
import { t } from './lib/strings.en';
import { Embed } from './out/embed';
import { DropZone } from './panel/drop';
import { Panel } from './panel/panel';
import { Sheet } from './panel/sheet';
import { killed } from './panel/sums';
import { TopBar } from './panel/topbar';
import { MapView } from './space/map';
import { App } from './state/app';
import { statusText, Uploads } from './state/uploads';
import { Views } from './table/views';
import { TimeStrip } from './time/strip';

const el = (id: string) => document.getElementById(id)!;
const app = new App();
app.applyTheme();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => app.applyTheme());
// The data are on their way while the words come; nothing is written before them.
void app.start();
await app.applyLanguage();
el('app').hidden = false;

let toastTimer = 0;
function toast(text: string): void {
  const box = el('toast');
  box.textContent = text;
  box.classList.add('on');
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => {
    box.classList.remove('on');
    box.textContent = '';
  }, 4000);
}
async function share(): Promise<void> {
  try {
    await navigator.clipboard.writeText(app.link);
    toast(t.copied);
  } catch {
    toast(t.notCopied);
  }
}

// In a frame of another page there is neither panel nor top bar, and so nothing that loads or undoes.
const framed = app.state.embed;
const sheet = framed ? null : new Sheet(app, el('app'), el('panel'), el('time'));
const top = framed ? new Embed(app, el('top'), el('mapw')) : new TopBar(app, el('top'), toast);
const strip = new TimeStrip(app, el('time'));
const uploads = new Uploads(
  () => app.touch({ ui: true }),
  () => app.check(),
  (e) => {
    if (!app.loadOpen) toast(`${e.name}: ${statusText(e)}`);
  },
);
uploads.reads = (token) => app.readAs(token);
// A token of this visit that may read shows what is closed, also after the page was loaded anew.
if (!framed && uploads.token) app.later(() => void uploads.refresh());
const panel = framed ? null : new Panel(app, el('panel'), () => void share(), uploads);
if (panel) new DropZone(el('drop'), (files) => panel.load.take(files));
const map = new MapView(app, el('mapw'));
const views = new Views(app, el('mapw'));
if (sheet) sheet.onMoved = () => map.map.invalidateSize({ animate: false });

// Counts are announced at most once a second, and only when they have changed.
let said = '';
let sayTimer = 0;
function announce(): void {
  if (sayTimer || !app.model || app.progress) return;
  sayTimer = window.setTimeout(() => {
    sayTimer = 0;
    const tl = app.tally;
    const when = fmtRange(...app.window);
    const dead = killed(tl);
    const text = dead === '–' ? t.nIncidents(tl.total) + t.comma + when : t.announce(tl.total, dead, when);
    if (text === said) return;
    const first = said === '';
    said = text;
    if (!first) el('live').textContent = text;
  }, 1000);
}

app.brush = () => strip.place();
app.onFrame((c) => {
  views.draw(c);
  sheet?.draw();
  strip.draw(c);
  panel?.draw(c);
  map.draw(c);
  top.draw();
  announce();
});

// The strip's height changes when it is put away: the map takes the room.
new ResizeObserver(() => map.map.invalidateSize({ animate: false })).observe(el('mapw'));
onWords(() => app.touch({ data: true, window: true, view: true, ui: true, rest: true }));
app.touch({ data: true, filter: true, window: true, view: true, ui: true, rest: true });
