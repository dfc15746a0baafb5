import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, command, compile, install, workspace } from './workspace.mjs';

const PARENT_EVERY_MS = 200;

/** `npm start`: from a bare clone to a running suite. */
command(async () => {
  endWithNpm();
  checkNode();
  await install();
  await compile();
  // In this very process, so that a signal has one receiver.
  const suite = join(workspace, 'tools', 'dev-suite', 'dist', 'main.js');
  await import(pathToFileURL(suite).href);
});

/** npm passes a SIGTERM to the shell it runs a script in, and shells such as dash end without passing it on. */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_EVERY_MS);
  timer.unref();
}
