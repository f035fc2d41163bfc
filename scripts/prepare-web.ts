// Run by `npm ci`, after the packages are there: builds the pages that every node serves. Without the packages of development there is nothing to
// build them with; that is said, and the installation goes on: a node without pages serves everything else.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const vite = join(root, 'node_modules/vite/bin/vite.js');

if (existsSync(vite)) {
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  console.error(
    'pbft: vite is not installed (packages of development were left out), so the pages of the dashboard are not built. ' +
      'For them: `npm ci && npm run build:web`, or copy a built dist/web here.',
  );
}
