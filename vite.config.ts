import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vite';
import { sourceVersion } from './src/cli/seeds/source-version.ts';

const WEB = join(import.meta.dirname, 'web');

/** `web/index.html` is the page `/`, `web/NAME/index.html` the page `/NAME`. */
const pages = ['.', ...readdirSync(WEB)]
  .map((name) => join(WEB, name, 'index.html'))
  .filter((file) => existsSync(file));

export default defineConfig({
  root: WEB,
  // Links of the lab say which source they were made with.
  define: { __PBFT_BUILD__: JSON.stringify(sourceVersion()) },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(import.meta.dirname, 'dist/web'),
    emptyOutDir: true,
    // Browsers of the last two years; none gets a polyfill.
    target: 'es2022',
    // Small files as data: addresses would need a wider content security policy.
    assetsInlineLimit: 0,
    rolldownOptions: { input: pages },
  },
  worker: { format: 'es' },
});
