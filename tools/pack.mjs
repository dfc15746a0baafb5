import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { homeOf, isOurs, manifestOf, Reached } from './reached.mjs';
import { Complaint, command, run, workspace } from './workspace.mjs';

/**
 * `npm run pack:services [folder]`: the packages that services install, as files for `npm install` and
 * `npm publish`. Each holds what its entry points reach in what is compiled, packages of the workspace
 * bundled with it; all others are dependencies in the version of the root package.json.
 */

const PUBLISHED = ['@downbeat/sdk', '@downbeat/nestjs'];
/** Of these a service has one copy, which is its own. */
const PEERS = new Set([...PUBLISHED, 'zod', '@nestjs/common', '@nestjs/core']);
const ROOT = manifestOf(workspace);

command(async () => {
  const target = resolve(process.argv[2] ?? join(workspace, '.downbeat', 'packed'));
  mkdirSync(target, { recursive: true });
  for (const name of PUBLISHED) {
    const folder = mkdtempSync(join(tmpdir(), 'downbeat-pack-'));
    try {
      assemble(name, folder);
      await run('npm', ['pack', '--ignore-scripts', '--pack-destination', target], folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  console.log(`packed ${PUBLISHED.join(' and ')} into ${relative('', target) || '.'}`);
});

function assemble(name, folder) {
  const apart = PUBLISHED.filter((other) => other !== name);
  const { files, entries, others } = new Reached(name, apart);
  const roomOf = (owner) => (owner === name ? folder : join(folder, 'node_modules', owner));
  for (const [path, owner] of files) {
    const to = join(roomOf(owner), relative(homeOf(owner), path));
    mkdirSync(dirname(to), { recursive: true });
    // The sources that a map would lead to are not there.
    writeFileSync(to, readFileSync(path, 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, ''));
  }
  const bundled = [...entries.keys()].filter((owner) => owner !== name);
  for (const owner of bundled) describe(roomOf(owner), described(owner, entries.get(owner)));
  const needed = [...others].sort().map((other) => [other, rangeOf(other)]);
  describe(folder, {
    ...described(name, entries.get(name)),
    description: manifestOf(homeOf(name)).description,
    engines: ROOT.engines,
    dependencies: Object.fromEntries([
      ...bundled.map((owner) => [owner, manifestOf(homeOf(owner)).version]),
      ...needed.filter(([other]) => !PEERS.has(other)),
    ]),
    peerDependencies: Object.fromEntries(needed.filter(([other]) => PEERS.has(other))),
    bundleDependencies: bundled,
  });
  copyFileSync(join(homeOf(name), 'README.md'), join(folder, 'README.md'));
  copyFileSync(join(workspace, 'LICENSE'), join(folder, 'LICENSE'));
}

/** What anybody has to know of a package: not that it is private, nor where its sources would be. */
function described(name, used) {
  const { version, license, exports } = manifestOf(homeOf(name));
  const entries = [...used].map((entry) => {
    const { types, default: code } = exports[entry];
    return [entry, { types, default: code }];
  });
  // `main` and `types` are for compilers that do not read `exports`.
  const { types, default: main } = exports['.'];
  return { name, version, license, main, types, exports: Object.fromEntries(entries) };
}

/** From what was tested here on. */
function rangeOf(name) {
  const version = isOurs(name) ? manifestOf(homeOf(name)).version : ROOT.dependencies[name];
  if (!version) throw new Complaint(`${name} is used, and is no dependency in package.json`);
  return `^${version}`;
}

function describe(folder, content) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}
