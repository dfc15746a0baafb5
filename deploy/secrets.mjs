#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Makes the suite's passwords at the first start, and gives each reader its own, in a folder (a
// volume) that only this reader mounts. Safe to repeat: what was made once stays.
//
//   secrets.mjs                 make what is missing, hand out everything
//   secrets.mjs rotate          new passwords for all but the database's owner and superuser;
//                               the key of configurations stays too
//   secrets.mjs show <client>   the NATS URL of `service` or `operator`

const ROOT = process.env.DOWNBEAT_SECRETS_DIR ?? '/secrets';
const STORE = join(ROOT, 'store', 'passwords.json');

/** Each app gets the database roles of the contexts it runs, and no other; the gateway gets none. */
const CONTEXTS_OF = {
  registry: ['registry'],
  health: ['health'],
  saga: ['saga'],
  orchestrator: ['messaging', 'audit'],
  gateway: [],
};
const CONTEXTS = Object.values(CONTEXTS_OF).flat();
/** Who talks to NATS from outside the suite. */
const CLIENTS = ['service', 'operator'];

const NEEDED = {
  postgres: ['superuser', 'owner'],
  database: CONTEXTS,
  nats: [...Object.keys(CONTEXTS_OF), ...CLIENTS],
  // Secrets in configurations are under it: docs/configuration.md says how it is changed.
  configuration: ['key'],
};
const KEPT_BY_ROTATION = ['postgres', 'configuration'];

function passwords(isRotation) {
  const kept = existsSync(STORE) ? JSON.parse(readFileSync(STORE, 'utf8')) : {};
  return Object.fromEntries(
    Object.entries(NEEDED).map(([kind, names]) => {
      const stays = !isRotation || KEPT_BY_ROTATION.includes(kind);
      const of = (name) => (stays && kept[kind]?.[name]) || randomBytes(32).toString('base64url');
      return [kind, Object.fromEntries(names.map((name) => [name, of(name)]))];
    }),
  );
}

/** Whole or not at all: a reader never sees half a file. */
function write(path, text, mode) {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

function handOut({ postgres, database, nats, configuration }) {
  const give = (reader, files, mode = 0o400) => {
    for (const [name, text] of Object.entries(files)) write(join(ROOT, reader, name), text, mode);
  };
  const databaseUrl = (user, password) => `postgres://${user}:${password}@postgres:5432/downbeat`;
  const natsUrl = (user) => `nats://${user}:${nats[user]}@nats:4222`;
  const roleUrls = (contexts) =>
    Object.fromEntries(
      contexts.map((context) => [
        `database_url_${context}`,
        databaseUrl(`downbeat_${context}`, database[context]),
      ]),
    );

  // Postgres runs as another user than this one, and nobody else mounts its folder.
  give('postgres', { superuser: postgres.superuser, owner: postgres.owner }, 0o444);
  give('migrate', {
    database_url: databaseUrl('downbeat_owner', postgres.owner),
    ...roleUrls(CONTEXTS),
  });
  const lines = Object.entries(nats).map(([user, password]) => `${user}_password: "${password}"`);
  give('nats', { 'passwords.conf': `${lines.join('\n')}\n` });
  for (const [app, contexts] of Object.entries(CONTEXTS_OF))
    give(app, { nats_url: natsUrl(app), ...roleUrls(contexts) });
  give('registry', { config_key: configuration.key });
  for (const client of CLIENTS) give('clients', { [`${client}_nats_url`]: natsUrl(client) });
}

const [task = 'make', client] = process.argv.slice(2);
if (task === 'show' && CLIENTS.includes(client)) {
  process.stdout.write(`${readFileSync(join(ROOT, 'clients', `${client}_nats_url`), 'utf8')}\n`);
} else if (task === 'make' || task === 'rotate') {
  const all = passwords(task === 'rotate');
  // Kept before any of it is handed out: what a reader has seen must be there after a crash.
  write(STORE, `${JSON.stringify(all, null, 2)}\n`, 0o400);
  handOut(all);
} else {
  process.stderr.write(`say one of: make, rotate, show ${CLIENTS.join('|')}\n`);
  process.exitCode = 2;
}
