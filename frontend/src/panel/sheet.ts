// On a phone the panel is a sheet at the bottom with three stops, and the time strip is its head, so that brush and map
// are always seen together. On larger screens this does nothing.
import { onWords } from '../lib/i18n';
import { t } from '../lib/strings.en';
import type { App } from '../state/app';

type Stop = 'peek' | 'half' | 'full';
const STOPS: Stop[] = ['peek', 'half', 'full'];

export class Sheet {
  onMoved: () => void = () => {};
  private stop: Stop = 'half';
  private phone = matchMedia('(max-width: 719px)');
  /** hardly any height, as at 200 % and more: only play and the days stand over the map at first */
  private flat = matchMedia('(max-height: 450px)');
  private grab = document.createElement('button');
  private drag: { y: number; h: number; moved: boolean } | null = null;
  private shown = '';

  constructor(
    private app: App,
    private root: HTMLElement,
    private panel: HTMLElement,
    private time: HTMLElement,
  ) {
    this.grab.type = 'button';
    this.grab.className = 'grab';
    this.grab.setAttribute('aria-label', t.sheet);
    onWords(() => this.grab.setAttribute('aria-label', t.sheet));
    this.grab.addEventListener('click', () => {
      if (this.drag?.moved) return;
      this.stop = STOPS[(STOPS.indexOf(this.stop) + 1) % 3]!;
      this.draw();
    });
    this.grab.addEventListener('keydown', (e) => {
      const by = e.key === 'ArrowUp' ? 1 : e.key === 'ArrowDown' ? -1 : 0;
      if (!by) return;
      e.preventDefault();
      this.stop = STOPS[Math.max(0, Math.min(2, STOPS.indexOf(this.stop) + by))]!;
      this.draw();
    });
    this.grab.addEventListener('pointerdown', (e) => {
      this.drag = { y: e.clientY, h: panel.getBoundingClientRect().height, moved: false };
      this.grab.setPointerCapture(e.pointerId);
    });
    this.grab.addEventListener('pointermove', (e) => {
      const d = this.drag;
      if (!d) return;
      const dy = d.y - e.clientY;
      if (Math.abs(dy) < 5 && !d.moved) return;
      d.moved = true;
      this.root.style.setProperty('--sheet', `${Math.max(this.least, Math.min(innerHeight - 60, d.h + dy))}px`);
    });
    this.grab.addEventListener('pointerup', () => {
      const d = this.drag;
      if (!d?.moved) {
        this.drag = null;
        return;
      }
      const h = panel.getBoundingClientRect().height;
      const at: Record<Stop, number> = { peek: this.least, half: innerHeight * 0.54, full: innerHeight - 60 };
      this.stop = STOPS.reduce((a, b) => (Math.abs(at[b] - h) < Math.abs(at[a] - h) ? b : a));
      this.shown = '';
      this.draw();
      setTimeout(() => {
        this.drag = null;
      }, 0);
    });
    this.phone.addEventListener('change', () => this.arrange());
    this.flat.addEventListener('change', () => this.arrange());
    this.arrange();
  }

  private get least(): number {
    return this.flat.matches ? 66 : 200;
  }
  private arrange(): void {
    this.stop = this.flat.matches ? 'peek' : 'half';
    if (this.phone.matches) {
      this.panel.prepend(this.grab, this.time);
    } else {
      this.grab.remove();
      this.root.append(this.time);
      this.root.style.removeProperty('--sheet');
    }
    this.shown = '';
    this.draw();
    this.onMoved();
    this.app.touch({ ui: true, view: true });
  }

  draw(): void {
    if (!this.phone.matches) return;
    const detail = !!this.app.detail || this.app.loadOpen;
    const h =
      detail && this.stop === 'half'
        ? '60dvh'
        : { peek: `${this.least}px`, half: '54dvh', full: 'calc(100dvh - 60px)' }[this.stop];
    const key = `${h}${detail}`;
    if (key === this.shown) return;
    this.shown = key;
    this.root.style.setProperty('--sheet', h);
    this.root.dataset.stop = this.stop;
    this.time.classList.toggle('away', detail);
  }
}
