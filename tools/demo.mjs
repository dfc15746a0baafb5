import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Complaint, checkNode, command, workspace } from './workspace.mjs';

const ANSWER_WITHIN_MS = 5_000;

/** `npm run demo`: books weddings in the suite that `npm start` runs. */
command(async () => {
  checkNode();
  const dataDir = resolve(workspace, process.env.DOWNBEAT_DATA_DIR || '.downbeat');
  const runFile = join(dataDir, 'run.json');
  const demo = join(workspace, 'examples', 'wedding', 'dist', 'demo.js');
  if (!existsSync(runFile) || !existsSync(demo))
    throw new Complaint(`no suite runs on ${dataDir}: start one with npm start`);
  const gatewayUrl = gatewayOf(runFile);
  if (!(await isAlive(gatewayUrl)))
    throw new Complaint(
      `no suite answers at ${gatewayUrl}, the gateway of ${runFile}: start one with npm start`,
    );
  process.argv[2] = dataDir;
  await import(pathToFileURL(demo).href);
});

function gatewayOf(runFile) {
  const gateway_url = parsed(readFileSync(runFile, 'utf8'))?.gateway_url;
  if (typeof gateway_url === 'string') return gateway_url;
  throw new Complaint(`${runFile} names no gateway: start a suite with npm start`);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (failure) {
    if (failure instanceof SyntaxError) return {};
    throw failure;
  }
}

/** A suite that was killed leaves its run.json behind. */
async function isAlive(gatewayUrl) {
  try {
    const url = new URL('/health/live', gatewayUrl);
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return answer.ok;
  } catch {
    return false; // Refused, too slow or no URL at all: nothing to book with, whichever it was.
  }
}
