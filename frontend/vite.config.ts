import { defineConfig } from 'vitest/config';

const at = (file: string) => new URL(`src/space/leaflet/${file}`, import.meta.url).pathname;

// What the page begins with is one file, and what it may need later another: several compress some 5 kB worse.
const later = /\/src\/(later|served|table|out\/(menu|paint|picture|words))/;
const atOnce = (id: string) => /\.[jt]s$/.test(id) && !later.test(id);

// The page is served from the binary under any path, so every reference is relative.
// Assets carry a hash of their content and can be cached for ever; index.html cannot.
export default defineConfig({
  base: './',
  // Templates only: the page has no custom elements, and half of lit is for them.
  // Of Leaflet only what the map uses.
  resolve: {
    alias: [
      { find: /^lit$/, replacement: 'lit/html.js' },
      { find: /^leaflet$/, replacement: at('index.js') },
      { find: /^\.\/(marker\/Marker|SVG\.VML)$/, replacement: at('absent.js') },
    ],
  },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    sourcemap: false,
    license: { fileName: 'licences.md' },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: 'page', test: atOnce }],
        },
      },
    },
  },
  worker: { format: 'es' },
  plugins: [
    {
      // Without what Leaflet does for browsers that could not read the page's code at all.
      name: 'no-old-browsers',
      transform: (code, id) =>
        id.includes('/leaflet/src/')
          ? code
              .replace(/\bBrowser\.(ie3d|ielt9|edge|mobileOpera|msPointer|vml)\b/g, 'false')
              .replace(/\bBrowser\.(any3d|svg)\b/g, 'true')
          : null,
    },
    {
      // What is loaded later has no style sheet of its own, so nothing has to be fetched before it; 1.2 kB less.
      name: 'plain-imports',
      enforce: 'pre',
      load: (id) => (id.endsWith('vite/preload-helper.js') ? 'export const __vitePreload = (load) => load();' : null),
    },
  ],
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
