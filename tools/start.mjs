import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, command, compile, install, workspace } from './workspace.mjs';

/** `npm start`: from a bare clone to a running suite. */
command(async () => {
  checkNode();
  await install();
  await compile();
  // In this very process, so that a signal has one receiver.
  const suite = join(workspace, 'tools', 'dev-suite', 'dist', 'main.js');
  await import(pathToFileURL(suite).href);
});
