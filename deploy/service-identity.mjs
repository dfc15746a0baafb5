#!/usr/bin/env node
import { give, keep, kept, newSecret } from './secret-files.mjs';
import { natsConfig, natsUrl } from './nats/handed-out.mjs';
import { checkService, userOf } from './nats/service-user.mjs';

// Gives a service a NATS user of its own, who can speak for this service and for no other.
//
//   service-identity.mjs add <service> [--publishes a,b] [--subscribes c,d] [--starts-workflows]
//                                      again: other rights, the same password
//   service-identity.mjs show <service>     its NATS URL
//   service-identity.mjs remove <service>
//   service-identity.mjs list
//
// nats-server takes it over when it is told to read its configuration again (SIGHUP).

const STORE = 'services.json';
const USAGE = 'say one of: add <service>, show <service>, remove <service>, list';

class Refused extends Error {}

function rights(options) {
  const said = { publishes: [], subscribes: [], startsWorkflows: false };
  const rest = [...options];
  while (rest.length > 0) {
    const option = rest.shift();
    if (option === '--starts-workflows') said.startsWorkflows = true;
    else if (option === '--publishes' || option === '--subscribes')
      said[option.slice(2)] = (rest.shift() ?? '').split(',').filter((topic) => topic !== '');
    else throw new Refused(`there is no option ${option}`);
  }
  return said;
}

function known(services, service) {
  if (!Object.hasOwn(services, service)) throw new Refused(`${service} has no identity of its own`);
  return services[service];
}

function handOut(services) {
  // Kept before it is handed out: what a server knows must be there after a crash.
  keep(STORE, services);
  give('nats', 'nats.conf', natsConfig(services));
  process.stderr.write('kept; have NATS read it: docker compose kill -s HUP nats\n');
}

const TASKS = {
  add(services, service, ...options) {
    const said = rights(options);
    checkService(service, said);
    const password = services[service]?.password ?? newSecret();
    handOut({ ...services, [service]: { password, ...said } });
  },
  remove(services, service) {
    known(services, service);
    handOut(Object.fromEntries(Object.entries(services).filter(([name]) => name !== service)));
  },
  show(services, service) {
    process.stdout.write(`${natsUrl(userOf(service), known(services, service).password)}\n`);
  },
  list(services) {
    for (const service of Object.keys(services).sort()) process.stdout.write(`${service}\n`);
  },
};

const [task, ...said] = process.argv.slice(2);
try {
  if (!Object.hasOwn(TASKS, task ?? '') || (task !== 'list' && said.length === 0))
    throw new Refused(USAGE);
  TASKS[task](kept(STORE), ...said);
} catch (fault) {
  if (!(fault instanceof Refused) && !(fault instanceof RangeError)) throw fault;
  process.stderr.write(`${fault.message}\n`);
  process.exitCode = 2;
}
