import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, command, compile, install, run, step, workspace } from './workspace.mjs';

const PEERS = join(workspace, 'bench', 'peers');
const INSTALL = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/**
 * `npm run bench:resilience [-- --write-docs]`: what breaker, retry and time-out cost a call, beside
 * other libraries, which are installed in a folder of their own that nothing else needs.
 */
command(async () => {
  checkNode();
  await install();
  await compile();
  await step('other libraries', () => run('npm', INSTALL, PEERS));
  await import(pathToFileURL(join(workspace, 'bench', 'dist', 'resilience', 'main.js')).href);
});
