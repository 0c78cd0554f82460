// Files may be dropped anywhere on the page; while they hover over it, an outline says so.
import { onWords } from '../lib/i18n';
import { t } from '../lib/strings.en';

export class DropZone {
  constructor(host: HTMLElement, take: (files: DataTransfer) => void) {
    host.hidden = true;
    const title = document.createElement('b');
    const text = document.createElement('span');
    const words = () => {
      title.textContent = t.load.dropTitle;
      text.textContent = t.load.dropText;
    };
    words();
    onWords(words);
    const box = document.createElement('p');
    box.append(title, text);
    host.append(box);
    const files = (e: DragEvent) => !!e.dataTransfer?.types.includes('Files');
    let depth = 0;
    const end = () => {
      depth = 0;
      host.hidden = true;
    };
    document.addEventListener('dragenter', (e) => {
      if (!files(e)) return;
      e.preventDefault();
      depth++;
      host.hidden = false;
    });
    document.addEventListener('dragover', (e) => {
      if (!files(e)) return;
      e.preventDefault();
      e.dataTransfer!.dropEffect = 'copy';
    });
    document.addEventListener('dragleave', (e) => {
      if (files(e) && --depth <= 0) end();
    });
    document.addEventListener('drop', (e) => {
      if (!files(e)) return;
      e.preventDefault();
      end();
      take(e.dataTransfer!);
    });
  }
}
