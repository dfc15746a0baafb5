import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORKSPACE } from './npm-start';

/** The commands of one section of a Markdown page: its indented lines, joined where they go on. */
export function commandsOf(markdown: string, heading: string): readonly string[] {
  const section = markdown.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const outside = section.replace(/```[\s\S]*?```/g, '');
  const lines = outside.split('\n').filter((line) => line.startsWith('    '));
  return lines
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim());
}

/** The first fenced block of that language. */
export const blockOf = (markdown: string, language: string): string =>
  new RegExp('```' + language + '\\n([\\s\\S]*?)```').exec(markdown)?.[1] ?? '';

/** Stands for the `nats` command line tool, of which only `request` is needed: same arguments, same environment. */
export function placeNatsTool(folder: string): void {
  const client = JSON.stringify(join(WORKSPACE, 'node_modules', 'nats'));
  const path = join(folder, 'nats');
  writeFileSync(
    path,
    `#!/usr/bin/env node
const { connect, StringCodec } = require(${client});
const [verb, subject, body] = process.argv.slice(2);
if (!['req', 'request'].includes(verb)) throw new Error(verb + ' is not known here');
connect({ servers: process.env.NATS_URL || 'nats://127.0.0.1:4222' }).then(async (connection) => {
  const reply = await connection.request(subject, StringCodec().encode(body), { timeout: 10_000 });
  console.log(StringCodec().decode(reply.data));
  await connection.close();
});
`,
  );
  chmodSync(path, 0o755);
}
