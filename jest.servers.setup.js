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
  const [postgres, nats] = await Promise.all([
    startPostgres({ dataDir: join(folder, 'postgres') }),
    startNats({ dataDir: join(folder, 'nats'), say }),
  ]);
  globalThis.downbeatTestServers = { folder, servers: [postgres, nats] };
  process.env.DOWNBEAT_TEST_DATABASE_URL = postgres.url;
  process.env.DOWNBEAT_TEST_NATS_URL = nats.url;
};
