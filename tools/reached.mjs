import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { Complaint, workspace } from './workspace.mjs';

const SCOPE = '@downbeat/';
const IMPORTED = /\b(?:require|import)\(["']([^"']+)["']\)|\bfrom ["']([^"']+)["']/g;

/** npm links the packages of the workspace by their names. */
export const homeOf = (name) => join(workspace, 'node_modules', name);
export const isOurs = (name) => name.startsWith(SCOPE);
export const manifestOf = (folder) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/**
 * What can be imported from the entry points of a package on, code and declarations, over the packages
 * of the workspace that it uses: found in what is compiled, where older compilations leave files too.
 */
export class Reached {
  /** Of each file the package that it belongs to, by path. */
  files = new Map();
  /** The entry points that are used, by package. */
  entries = new Map();
  /** The names of packages that are not followed. */
  others = new Set();

  /** @param apart Packages that are not followed, although they are of the workspace. */
  constructor(name, apart) {
    this.apart = apart;
    for (const entry of Object.keys(manifestOf(homeOf(name)).exports)) this.enter(name, entry);
  }

  enter(name, entry) {
    const exported = manifestOf(homeOf(name)).exports[entry];
    if (!exported) throw new Complaint(`${name} has no entry point ${entry}`);
    this.entries.set(name, (this.entries.get(name) ?? new Set()).add(entry));
    for (const path of [exported.default, exported.types])
      this.follow(name, join(homeOf(name), path));
  }

  follow(name, path) {
    if (this.files.has(path)) return;
    this.files.set(path, name);
    if (!existsSync(path))
      throw new Complaint(`${relative(workspace, path)} is missing: compile first (npm run build)`);
    const ending = path.endsWith('.d.ts') ? '.d.ts' : '.js';
    for (const [, required, from] of readFileSync(path, 'utf8').matchAll(IMPORTED)) {
      const asked = required ?? from;
      if (asked.startsWith('.')) this.follow(name, fileOf(join(dirname(path), asked), ending));
      else if (!isBuiltin(asked)) this.need(asked);
    }
  }

  need(asked) {
    const [first, second, ...rest] = asked.split('/');
    const name = asked.startsWith('@') ? `${first}/${second}` : first;
    if (isOurs(name) && !this.apart.includes(name)) this.enter(name, ['.', ...rest].join('/'));
    else this.others.add(name);
  }
}

function fileOf(path, ending) {
  const file = path.replace(/\.js$/, '') + ending;
  return existsSync(file) ? file : join(path, `index${ending}`);
}
