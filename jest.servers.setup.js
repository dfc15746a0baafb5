const LINES_KEPT_MAX = 400;

/**
 * Starts PostgreSQL and nats-server once for all test files that need them, unless the environment
 * names others. Both end with the test run, however it ends.
 */
module.exports = async () => {
  const isGiven = process.env.DOWNBEAT_TEST_DATABASE_URL && process.env.DOWNBEAT_TEST_NATS_URL;
  if (isGiven) return;
  const { mkdtempSync } = require('node:fs');
  const { tmpdir } = require('node:os');
  const { join } = require('node:path');
  // From source: it depends on nothing that would have to be built first.
  const { startNats, startPostgres } = require('./libs/kernel/local-servers/src');

  const folder = mkdtempSync(join(tmpdir(), 'downbeat-test-servers-'));
  const say = (line) => process.stderr.write(`${line}\n`);
  const lines = { postgres: [], nats: [] };
  /** A server that ends by itself fails whatever runs: its last words say why. */
  const keep = (name) => (line) => {
    lines[name].push(line);
    if (lines[name].length > LINES_KEPT_MAX) lines[name].shift();
  };
  const [postgres, nats] = await Promise.all([
    startPostgres({ dataDir: join(folder, 'postgres'), log: keep('postgres') }),
    startNats({ dataDir: join(folder, 'nats'), say, log: keep('nats') }),
  ]);
  const started = { folder, servers: [postgres, nats], isStopping: false };
  globalThis.downbeatTestServers = started;
  for (const [name, server] of Object.entries({ postgres, nats }))
    void server.exited.then((exit) => {
      if (!started.isStopping)
        say(`${name} ended by itself: ${JSON.stringify(exit)}\n${lines[name].join('\n')}`);
    });
  await keepFolder(nats.url);
  process.env.DOWNBEAT_TEST_DATABASE_URL = postgres.url;
  process.env.DOWNBEAT_TEST_NATS_URL = nats.url;
};

/**
 * nats-server 2.9.10 removes an account's folder with the last stream in it, also while another stream is being
 * made there, which then fails: "error creating store for stream". So one stays.
 */
async function keepFolder(url) {
  const { connect } = require('nats');
  const client = await connect({ servers: url, timeout: 30_000 });
  const manager = await client.jetstreamManager({ timeout: 30_000 });
  await manager.streams.add({ name: 'kept', subjects: ['kept'] });
  await client.close();
}
