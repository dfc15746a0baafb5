import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { weddingDemo } from './wedding-demo';

/** `node dist/demo.js [data directory]`: 0 when all went well, 1 when not. */
async function main(): Promise<void> {
  const dataDir = process.argv[2] ?? process.env['DOWNBEAT_DATA_DIR'] ?? '.downbeat';
  const isFine = await weddingDemo({
    gatewayUrl: gatewayOf(join(dataDir, 'run.json')),
    definition: readFileSync(join(__dirname, '..', 'book-wedding.yaml'), 'utf8'),
    print: (text) => void process.stdout.write(`${text}\n`),
  });
  process.exitCode = isFine ? 0 : 1;
}

function gatewayOf(runFile: string): string {
  try {
    return (JSON.parse(readFileSync(runFile, 'utf8')) as { gateway_url: string }).gateway_url;
  } catch (fault) {
    throw new Error(`${runFile} cannot be read: start the suite first (npm start)`, {
      cause: fault,
    });
  }
}

main().catch((fault: unknown) => {
  process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`);
  process.exitCode = 1;
});
