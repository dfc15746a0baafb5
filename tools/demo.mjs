import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Complaint, checkNode, command, workspace } from './workspace.mjs';

/** `npm run demo`: books weddings in the suite that `npm start` runs. */
command(async () => {
  checkNode();
  const dataDir = resolve(workspace, process.env.DOWNBEAT_DATA_DIR || '.downbeat');
  const demo = join(workspace, 'examples', 'wedding', 'dist', 'demo.js');
  if (!existsSync(join(dataDir, 'run.json')) || !existsSync(demo))
    throw new Complaint(`no suite runs on ${dataDir}: start one with npm start`);
  process.argv[2] = dataDir;
  await import(pathToFileURL(demo).href);
});
