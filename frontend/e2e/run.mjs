// Runs the browser tests against the real binary: SARHAD_BIN, or ../bin/sarhad. Its last lines are the test runner's.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const p = spawn(
  process.execPath,
  [
    '--test',
    '--test-concurrency=1',
    '--test-reporter=spec',
    join(here, 'page.test.mjs'),
    join(here, 'search.test.mjs'),
    join(here, 'load.test.mjs'),
    join(here, 'filters.test.mjs'),
    join(here, 'table-compare.test.mjs'),
    join(here, 'map.test.mjs'),
    join(here, 'out.test.mjs'),
    join(here, 'languages.test.mjs'),
    join(here, 'everyone.test.mjs'),
    join(here, 'history.test.mjs'),
    join(here, 'beyond.test.mjs'),
    join(here, 'small.test.mjs'),
  ],
  {
    stdio: 'inherit',
    cwd: join(here, '..'),
  },
);
p.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
