const { rmSync } = require('node:fs');

module.exports = async () => {
  const started = globalThis.downbeatTestServers;
  if (!started) return;
  delete globalThis.downbeatTestServers;
  started.isStopping = true;
  await Promise.all(started.servers.map((server) => server.stop()));
  rmSync(started.folder, { recursive: true, force: true });
};
