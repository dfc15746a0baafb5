// Programs that run in containers of the image, with `node -e`.

/** Publishes on the subject given with the container's own identity; says what the server thinks of it. */
export const SPEAK = `
  const { connect } = require('nats');
  const { username, password, host } = new URL(require('node:fs').readFileSync('/secrets/nats_url', 'utf8'));
  void (async () => {
    const connection = await connect({
      servers: host, user: username, pass: password, inboxPrefix: '_INBOX.' + username });
    const refused = (async () => {
      for await (const { type, data } of connection.status())
        if (type === 'error' && data === 'PERMISSIONS_VIOLATION') return 'refused';
    })();
    connection.publish(process.argv[1], 'x');
    await connection.flush();
    const late = new Promise((resolve) => setTimeout(resolve, 2_000, 'accepted'));
    console.log(await Promise.race([refused, late]));
    process.exit(0);
  })();`;

/** A service that knows plain NATS only: answers one call of the workflow that it starts itself. */
export const PARTICIPATE = `
  const { connect } = require('nats');
  const { username, password, host } = new URL(
    require('node:fs').readFileSync('/secrets/service_nats_url', 'utf8'));
  void (async () => {
    const connection = await connect({
      servers: host, user: username, pass: password, inboxPrefix: '_INBOX.' + username });
    let charged = 0;
    const called = new Promise((resolve) => {
      connection.subscribe('service.billing.charge', {
        callback: (_, message) => {
          charged++;
          message.respond('{"receipt":"r-1"}');
          resolve();
        },
      });
    });
    const ask = async (subject, command) =>
      (await connection.request(subject, JSON.stringify(command), { timeout: 15_000 })).json();
    const registered = await ask('command.registry.RegisterService.billing', {
      service_version: '1.0.0', service_type: 'api', deployment_environment: 'production', dependencies: [],
    });
    const started = await ask('command.saga.StartWorkflow.charge-once-' + Date.now(), {
      workflow_name: 'charge-once', initiating_service: 'billing', context_data: {},
    });
    await Promise.race([called, new Promise((resolve) => setTimeout(resolve, 15_000))]);
    await connection.drain();
    console.log(JSON.stringify({ registered, started, charged }));
    process.exit(0);
  })();`;

/** An instance that its connection stands for, of a process that ends without a word. */
export const VANISH = `
  const { connect } = require('nats');
  const { username, password, host } = new URL(
    require('node:fs').readFileSync('/secrets/service_nats_url', 'utf8'));
  void (async () => {
    const connection = await connect({
      servers: host, user: username, pass: password, inboxPrefix: '_INBOX.' + username });
    const { server_id, client_id } = connection.info;
    const ask = async (subject, command) =>
      (await connection.request(subject, JSON.stringify(command), { timeout: 15_000 })).json();
    const service = await ask('command.registry.RegisterService.fleeting', {
      service_version: '1.0.0', service_type: 'api', deployment_environment: 'production', dependencies: [],
    });
    const instance = await ask('command.registry.RegisterInstance.fleeting-1', {
      service_id: 'fleeting', node_name: 'here', ip_address: '127.0.0.1', port: 1, version: '1.0.0',
      heartbeat_ttl_ms: 600_000, session: { server_id, client_id },
    });
    console.log(JSON.stringify({ service, instance }));
    process.kill(process.pid, 'SIGKILL');
  })();`;
