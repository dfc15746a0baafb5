#!/usr/bin/env node
import { natsConfig, natsUrl as urlOf } from './nats/handed-out.mjs';
import { give as giveOne, keep, kept as keptAs, newSecret, read } from './secret-files.mjs';

// Makes the suite's passwords at the first start, and gives each reader its own, in a folder (a
// volume) that only this reader mounts. Safe to repeat: what was made once stays.
//
//   secrets.mjs                 make what is missing, hand out everything
//   secrets.mjs rotate          new passwords for all but the database's owner and superuser;
//                               the keys of configurations and of alerts stay too
//   secrets.mjs show <client>   the NATS URL of `service` or `operator`

const STORE = 'passwords.json';
/** Made by service-identity.mjs. */
const SERVICES = 'services.json';
/** Made by alert-key.mjs. Who receives alerts knows them too, so no rotation changes them. */
const ALERT_KEYS = 'alert-keys.json';

/** Each app gets the database roles of the contexts it runs, and no other; the gateway gets none. */
const CONTEXTS_OF = {
  registry: ['registry'],
  health: ['health', 'observability'],
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
  const kept = keptAs(STORE);
  return Object.fromEntries(
    Object.entries(NEEDED).map(([kind, names]) => {
      const stays = !isRotation || KEPT_BY_ROTATION.includes(kind);
      const of = (name) => (stays && kept[kind]?.[name]) || newSecret();
      return [kind, Object.fromEntries(names.map((name) => [name, of(name)]))];
    }),
  );
}

function serviceIdentities(isRotation) {
  return Object.fromEntries(
    Object.entries(keptAs(SERVICES)).map(([name, { password, ...rights }]) => [
      name,
      { password: isRotation ? newSecret() : password, ...rights },
    ]),
  );
}

function handOut({ postgres, database, nats, configuration }, services) {
  const give = (reader, files, mode = 0o400) => {
    for (const [name, text] of Object.entries(files)) giveOne(reader, name, text, mode);
  };
  const databaseUrl = (user, password) => `postgres://${user}:${password}@postgres:5432/downbeat`;
  const natsUrl = (user) => urlOf(user, nats[user]);
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
  give('nats', { 'passwords.conf': `${lines.join('\n')}\n`, 'nats.conf': natsConfig(services) });
  for (const [app, contexts] of Object.entries(CONTEXTS_OF))
    give(app, { nats_url: natsUrl(app), ...roleUrls(contexts) });
  give('registry', { config_key: configuration.key });
  give('alerts', keptAs(ALERT_KEYS));
  for (const client of CLIENTS) give('clients', { [`${client}_nats_url`]: natsUrl(client) });
}

const [task = 'make', client] = process.argv.slice(2);
if (task === 'show' && CLIENTS.includes(client)) {
  process.stdout.write(`${read('clients', `${client}_nats_url`)}\n`);
} else if (task === 'make' || task === 'rotate') {
  const all = passwords(task === 'rotate');
  // Kept before any of it is handed out: what a reader has seen must be there after a crash.
  const services = serviceIdentities(task === 'rotate');
  keep(STORE, all);
  keep(SERVICES, services);
  handOut(all, services);
} else {
  process.stderr.write(`say one of: make, rotate, show ${CLIENTS.join('|')}\n`);
  process.exitCode = 2;
}
