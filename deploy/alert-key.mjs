#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { give, keep, kept, newSecret, take } from './secret-files.mjs';

// Gives the process that sends alerts a key to sign with; a receiver names it file:/run/secrets/<key>.
//
//   alert-key.mjs add <key>      makes it; again: nothing
//   alert-key.mjs add <key> -    reads it; again: another one
//   alert-key.mjs show <key>     what whoever receives has to know
//   alert-key.mjs remove <key>
//   alert-key.mjs list
//
// It is read whenever something is sent, so nothing has to be started again.

const STORE = 'alert-keys.json';
const READER = 'alerts';
/** The process signs with files of this name and with no other. */
const NAME = /^alerts-[a-z0-9][a-z0-9-]{0,55}$/;
/** As much as is read of it. */
const LENGTH_MAX = 4_096;
const USAGE = 'say one of: add <key> [-], show <key>, remove <key>, list';

class Refused extends Error {}

function known(keys, name) {
  if (!Object.hasOwn(keys, name)) throw new Refused(`there is no key ${name}`);
  return keys[name];
}

function readKey() {
  const key = readFileSync(0, 'utf8').trim();
  if (key !== '' && Buffer.byteLength(key) <= LENGTH_MAX) return key;
  throw new Refused(`a key has 1 to ${LENGTH_MAX} bytes`);
}

const TASKS = {
  add(keys, name, from) {
    if (!NAME.test(name))
      throw new Refused(`${name} is not alerts- and a name of a to z, 0 to 9 and hyphens`);
    if (from !== undefined && from !== '-') throw new Refused(USAGE);
    const made = () => (Object.hasOwn(keys, name) ? keys[name] : newSecret());
    const key = from === '-' ? readKey() : made();
    // Kept before it is handed out: what was signed with must be there after a crash.
    keep(STORE, { ...keys, [name]: key });
    give(READER, name, key);
  },
  remove(keys, name) {
    known(keys, name);
    take(READER, name);
    keep(STORE, Object.fromEntries(Object.entries(keys).filter(([one]) => one !== name)));
  },
  show(keys, name) {
    process.stdout.write(`${known(keys, name)}\n`);
  },
  list(keys) {
    for (const name of Object.keys(keys).sort()) process.stdout.write(`${name}\n`);
  },
};

const [task, ...said] = process.argv.slice(2);
try {
  if (!Object.hasOwn(TASKS, task ?? '') || (task !== 'list' && said.length === 0))
    throw new Refused(USAGE);
  TASKS[task](kept(STORE), ...said);
} catch (fault) {
  if (!(fault instanceof Refused)) throw fault;
  process.stderr.write(`${fault.message}\n`);
  process.exitCode = 2;
}
