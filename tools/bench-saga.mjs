import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, command, compile, install, run, step, workspace } from './workspace.mjs';

const PEERS = join(workspace, 'bench', 'peers');
// None of them needs its install script; one of those scripts would report the installation.
const INSTALL = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/**
 * `npm run bench:saga [-- --rounds=3 --seconds=8 --write-docs]`: Downbeat beside other engines, which
 * are installed in a folder of their own that nothing else needs.
 */
command(async () => {
  checkNode();
  await install();
  await compile();
  await step('other engines', () => run('npm', INSTALL, PEERS));
  await import(pathToFileURL(join(workspace, 'bench', 'dist', 'compare', 'main.js')).href);
});
