#!/usr/bin/env node
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Complaint, eventually, NoEngine, Project, run } from './engine.mjs';
import { PARTICIPATE, SPEAK, VANISH } from './nats-clients.mjs';
import { Gateway, JUDGE } from './weddings.mjs';

// `npm run drill:compose`: builds the image, runs the compose file as a user would, breaks what it
// can, and looks whether everything comes back and every run ends. Exit code 0 when all is well, 1
// when not, 2 when there is no container engine to try it with. Leaves the image behind, as cache.

const APPS = ['registry', 'health', 'saga', 'orchestrator', 'gateway'];
const PARTICIPANTS = ['venue', 'catering', 'photographer', 'payment', 'notification'];
const SERVERS = ['postgres', 'nats'];
const ALL = [...SERVERS, ...APPS, ...PARTICIPANTS];
const MINUTE = 60_000;
const WHOLE_CHECK_MS = 45 * MINUTE;
const REPLICAS = 3;
const withReplicas = (service) => (service === 'saga' ? REPLICAS : 1);

const port = await freePort();
const gateway = new Gateway(`http://127.0.0.1:${port}`);
const project = new Project(
  `downbeat-check-${process.pid}`,
  join(dirname(fileURLToPath(import.meta.url)), '..', '..'),
  {
    COMPOSE_PROFILES: 'demo',
    DOWNBEAT_IMAGE: 'downbeat:check',
    DOWNBEAT_SERVICES_SUBNET: `10.213.${1 + (process.pid % 250)}.0/24`,
    GATEWAY_PORT: `${port}`,
  },
);

/** In order; each builds on those before it. */
const CHECKS = {
  'the file holds no password': async () => {
    const config = await project.compose(['config']);
    const shown = config.match(/.*(:\/\/[^/\s]+:[^/\s]+@|(PASSWORD|SECRET|TOKEN)(?!\w*_FILE)).*/g);
    expect(shown === null, `it shows ${shown?.join()}`);
  },

  'the image builds': () => project.compose(['build'], 25 * MINUTE),

  'one command starts everything, in the right order': async () => {
    await project.compose(['up', '-d'], 10 * MINUTE);
    await project.healthy(ALL, 4 * MINUTE);
  },

  'containers have no rights they do not need': async () => {
    for (const { Name, Config, HostConfig } of await project.containers()) {
      const isConfined =
        HostConfig.ReadonlyRootfs &&
        HostConfig.CapDrop?.includes('ALL') &&
        HostConfig.SecurityOpt?.some((option) => option.startsWith('no-new-privileges')) &&
        HostConfig.Memory > 0;
      expect(isConfined, `${Name} is not confined`);
      expect(!['', '0', 'root'].includes(Config.User), `${Name} runs as root`);
      const secrets = Config.Env.filter((pair) => /PASSWORD=|:\/\/[^/]*:[^/]*@/.test(pair));
      expect(secrets.length === 0, `${Name} has a secret in its environment`);
    }
  },

  'only the gateway can be reached, and from this machine alone': async () => {
    for (const { Name, NetworkSettings } of await project.containers())
      for (const [inner, outer] of Object.entries(NetworkSettings.Ports ?? {}))
        for (const { HostIp } of outer ?? [])
          expect(
            Name.includes('gateway') && HostIp === '127.0.0.1',
            `${Name} publishes ${inner} on ${HostIp}`,
          );
    expect((await gateway.ask('GET', '/health/ready')).status === 'ready', 'it is not ready');
  },

  'the gateway knows no database': async () => {
    const edge = await project.one('gateway');
    const files = (await project.exec(edge, ['ls', '/secrets'])).trim();
    expect(files === 'nats_url', `its secrets are ${files}`);
    const dial = `require('node:dns').lookup('postgres', (fault) => process.exit(fault ? 0 : 1))`;
    await project.exec(edge, ['node', '-e', dial]);
  },

  'weddings are booked, one undone': async () => {
    const told = await project.compose(['run', '--rm', '-T', 'book-weddings'], 3 * MINUTE);
    for (const line of ['double bookings 0', 'captured without a venue 0', 'holds leaked 0'])
      expect(told.includes(line), `it did not say "${line}":\n${told}`);
  },

  'a service of somebody else registers, starts a workflow and is called, all over NATS':
    async () => {
      const definition = {
        name: 'charge-once',
        version: '1.0.0',
        timeout_minutes: 1,
        compensation_strategy: 'all',
        steps: [
          {
            name: 'charge',
            type: 'service_call',
            service_name: 'billing',
            endpoint: 'nats:service.billing.charge',
            timeout_seconds: 10,
          },
        ],
      };
      await gateway.ask('POST', '/api/orchestration/workflow-definitions', definition);
      const told = await asSomebodyElse(['node', '-e', PARTICIPATE]);
      const { registered, started, charged } = JSON.parse(told);
      expect(registered.accepted && started.accepted && charged === 1, `it was told ${told}`);
      const workflow_id = started.answer.workflow_id;
      const booking = { booking_id: 'charge-once', workflow_id, expected: 'completed' };
      await gateway.allEnd([booking], MINUTE);
    },

  'an instance whose process is killed is given up, as its connection closes': async () => {
    // The shell outlives it, so that what it said can be read.
    const told = await asSomebodyElse(['sh', '-c', 'node -e "$0" || true', VANISH]);
    const { service, instance } = JSON.parse(told);
    expect(service.accepted && instance.accepted, `it was told ${told}`);
    await eventually('the instance to be given up', MINUTE, async () => {
      const path = '/api/orchestration/services/fleeting/instances';
      const { instances } = await gateway.ask('GET', path);
      return instances.find(({ status_reason }) => status_reason === 'session-closed');
    });
  },

  'three replicas of the saga share the work': async () => {
    const scale = ['up', '-d', '--no-recreate', '--scale', `saga=${REPLICAS}`];
    await project.compose(scale);
    await project.healthy(['saga'], 3 * MINUTE, withReplicas);
    await gateway.allEnd(await gateway.book('shared', 60), 3 * MINUTE);
    const done = await Promise.all((await project.containers('saga')).map(commandsDone));
    expect(
      done.every((count) => count > 0),
      `commands done by each: ${done.join(', ')}`,
    );
  },

  'nats, a saga and postgres are killed under load: all come back, all runs end': async () => {
    const kills = [];
    const load = gateway.keepBooking('killed');
    for (const service of ['nats', 'saga', 'postgres']) {
      const victim = await project.one(service);
      await gateway.aRunIsUnderWay();
      kills.push({ service, at: Date.now() });
      await project.crash(victim);
    }
    await project.healthy(ALL, 3 * MINUTE, withReplicas);
    const bookings = await load.stop();
    const runs = await gateway.allEnd(bookings, 4 * MINUTE);
    for (const { service, at } of kills)
      expect(
        runs.some(({ from, to }) => from < at && at < to),
        `no run was under way when ${service} was killed: nothing was tested`,
      );
    await expectInvariants();
  },

  'the files of JetStream are lost under load: they are made anew, all runs end': async () => {
    const load = gateway.keepBooking('lost');
    const nats = await project.one('nats');
    await gateway.aRunIsUnderWay();
    await project.exec(nats, ['sh', '-c', 'rm -rf /data/store/*']);
    await project.crash(nats);
    await project.healthy(['nats', ...APPS], 3 * MINUTE, withReplicas);
    await gateway.allEnd(await load.stop(), 4 * MINUTE);
    await project.healthy(ALL, 3 * MINUTE, withReplicas);
    await expectInvariants();
  },

  'what was there stays there over down and up': async () => {
    const before = await workflowIds();
    await expectNoViolations();
    await project.compose(['down']);
    await project.compose(['up', '-d'], 10 * MINUTE);
    await project.healthy(ALL, 4 * MINUTE);
    const after = await eventually('the workflows', MINUTE, async () => {
      const ids = await workflowIds();
      return ids.length >= before.length ? ids : undefined;
    });
    expect(
      before.every((id) => after.includes(id)),
      'workflows are missing',
    );
    await gateway.allEnd(await gateway.book('later', 3), 2 * MINUTE);
    await expectInvariants();
  },

  'new passwords take the place of old ones': async () => {
    await project.compose(['run', '--rm', '-T', 'secrets', 'node', 'deploy/secrets.mjs', 'rotate']);
    await project.compose(['up', '-d', '--force-recreate'], 10 * MINUTE);
    await project.healthy(ALL, 4 * MINUTE);
    await gateway.allEnd(await gateway.book('rotated', 3), 2 * MINUTE);
    await expectNoViolations();
  },

  'nobody speaks on NATS for somebody else': async () => {
    for (const [service, subject] of [
      ['gateway', 'event.registry.ServiceAvailable.x'],
      ['gateway', '$JS.API.STREAM.DELETE.event-registry'],
      ['registry', 'command.saga.StartWorkflow.x'],
      ['health', '$JS.API.STREAM.PURGE.command-saga'],
      ['saga', 'query.audit.list-events'],
      ['registry', 'message.redriven.shipping.low.order-placed'],
      ['gateway', '$JS.API.CONSUMER.CREATE.message.shipping_x_low.message.low.x'],
    ]) {
      const container = await project.one(service);
      const said = await project.exec(container, ['node', '-e', SPEAK, subject]);
      expect(said.trim() === 'refused', `${service} may publish ${subject}`);
    }
  },
};

/** Runs a program in a container of its own, where services are that the suite coordinates. */
function asSomebodyElse(program) {
  return run('docker', [
    ...['run', '--rm', '--network', `${project.name}_services`],
    ...['--volume', `${project.name}_secrets-clients:/secrets:ro`, '--no-healthcheck'],
    ...[project.env.DOWNBEAT_IMAGE, ...program],
  ]);
}

async function commandsDone(container) {
  const scrape = `fetch('http://127.0.0.1:3000/metrics').then((r) => r.text()).then(console.log)`;
  const metrics = await project.exec(container, ['node', '-e', scrape]);
  return Number(/^downbeat_bus_done_total\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

async function workflowIds() {
  const ids = [];
  let cursor = '';
  do {
    const page = await gateway.ask('GET', `/api/orchestration/workflows?limit=100${cursor}`);
    ids.push(...page.workflows.map(({ id }) => id));
    cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : '';
  } while (cursor !== '');
  return ids;
}

async function expectInvariants() {
  const { calls, found } = JSON.parse(
    await project.exec(await project.one('venue'), ['node', '-e', JUDGE]),
  );
  expect(calls > 0 && found.length === 0, `${calls} calls; ${found.join('; ')}`);
}

/** Every suite's process may do what it does: the server would have noted it otherwise. */
async function expectNoViolations() {
  const log = await project.compose(['logs', '--no-color', 'nats']);
  const lines = log.split('\n').filter((line) => /violation/i.test(line));
  expect(lines.length === 0, `the permissions in nats.conf miss something:\n${lines.join('\n')}`);
}

function expect(isSo, otherwise) {
  if (!isSo) throw new Complaint(otherwise);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function cleanUp() {
  await project.compose(['down', '-v', '--remove-orphans', '-t', '5']);
}

/** Ends the check, whatever happens, and leaves nothing running. */
async function endWith(code, sentence) {
  if (sentence) process.stderr.write(`${sentence}\n`);
  if (project.command) await cleanUp().catch(({ message }) => process.stderr.write(`${message}\n`));
  process.exit(code);
}

async function main() {
  console.log(await project.findEngine());
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => void endWith(1, 'stopped before the end'));
  setTimeout(() => void endWith(1, 'the check took too long'), WHOLE_CHECK_MS).unref();
  let passed = 0;
  let failed = 0;
  for (const [name, check] of Object.entries(CHECKS)) {
    const began = Date.now();
    try {
      await check();
      passed++;
      console.log(`ok      ${name} (${Math.round((Date.now() - began) / 1000)} s)`);
    } catch (failure) {
      failed++;
      const why = failure instanceof Complaint ? failure.message : failure.stack;
      console.log(`FAILED  ${name}\n${why}\n`);
      console.log(await project.compose(['ps']).catch(() => ''));
      console.log(await project.compose(['logs', '--no-color', '--tail', '8']).catch(() => ''));
      break;
    }
  }
  const left = Object.keys(CHECKS).length - passed - failed;
  console.log(`${passed} passed, ${failed} failed${left > 0 ? `, ${left} not tried` : ''}`);
  await endWith(failed === 0 ? 0 : 1);
}

main().catch((failure) =>
  endWith(
    failure instanceof NoEngine ? 2 : 1,
    failure instanceof Complaint ? failure.message : failure.stack,
  ),
);
