import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, command, compile, install, workspace } from './workspace.mjs';

/** `npm run bench [-- part... --write-docs]`: measures the suite on servers of its own. */
command(async () => {
  checkNode();
  await install();
  await compile();
  await import(pathToFileURL(join(workspace, 'bench', 'dist', 'main.js')).href);
});
