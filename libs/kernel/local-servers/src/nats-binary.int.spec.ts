import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsServerBinary } from './nats-binary';

/** A machine whose only programs are the scripts given here. */
describe('finding nats-server', () => {
  let folder: string;
  let said: string[];

  const program = (name: string, ...lines: string[]) =>
    writeFile(join(folder, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  const find = () => natsServerBinary((line) => said.push(line), { PATH: folder }, []);
  const install = () => `: > ${folder}/nats-server; /bin/chmod 755 ${folder}/nats-server`;
  const asRoot = process.getuid?.() === 0 ? '' : 'sudo -n ';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nats-binary-'));
    said = [];
    await program('sudo', 'shift; exec "$@"');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('takes the one on the PATH, and installs nothing', async () => {
    await program('nats-server');
    await program('apt-get', 'exit 1');
    expect(find()).toBe(join(folder, 'nats-server'));
    expect(said).toEqual([]);
  });

  it('has the package manager install it, and says so', async () => {
    await program('apt-get', install());
    expect(find()).toBe(join(folder, 'nats-server'));
    expect(said).toEqual([
      `nats-server is missing: ${asRoot}apt-get install -y --no-install-recommends nats-server`,
    ]);
  });

  it('updates the list of packages first where there is none', async () => {
    await program(
      'apt-get',
      `if [ "$1" = update ]; then : > ${folder}/list; exit; fi`,
      `[ -e ${folder}/list ] || { echo "E: Unable to locate package nats-server" >&2; exit 100; }`,
      install(),
    );
    expect(find()).toBe(join(folder, 'nats-server'));
    expect(said.map((line) => line.split('apt-get ')[1]?.split(' ')[0])).toEqual([
      'install',
      'update',
      'install',
    ]);
  });

  it('says what the package manager said when it fails', async () => {
    await program('apt-get', 'echo "E: no network" >&2; exit 100');
    expect(find).toThrow(
      'nats-server cannot be run: it is not on the PATH and "apt-get install -y --no-install-recommends nats-server" did not install it (E: no network); install it, or set NATS_URL to use another server',
    );
  });

  it('says what to do where no package manager is known', () => {
    expect(find).toThrow(/no package manager known here .* set NATS_URL/);
  });
});
