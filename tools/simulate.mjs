import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Complaint, checkNode, command, compile, install, workspace } from './workspace.mjs';

/**
 * `npm run simulate -- [--seeds n] [--first-seed n] [--workers n] | --seed n [--tooth name] | --teeth`:
 * libs/saga/simulator. Ends with exit code 1 when a promise was broken, or a planted bug not found.
 */
command(async () => {
  checkNode();
  await install();
  await compile();
  const simulator = join(workspace, 'libs', 'saga', 'simulator', 'dist', 'cli', 'main.js');
  const { main } = createRequire(import.meta.url)(simulator);
  try {
    process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
  } catch (failure) {
    if (failure instanceof RangeError || failure instanceof TypeError)
      throw new Complaint(failure.message);
    throw failure;
  }
});
