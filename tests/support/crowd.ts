import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, JSONCodec, type NatsConnection } from 'nats';

const COMMAND_TIMEOUT_MS = 30_000;
const AT_ONCE = 64;
const TOGETHER = 500;

const json = JSONCodec();

interface Outcome {
  readonly accepted: boolean;
  readonly answer: { readonly refused?: readonly unknown[] };
}

/** Whoever called an instance of a crowd is told which one it was. */
export interface Whereabouts {
  readonly port: number;
}

/** Many services of several instances each; they all answer here, on one port an instance. */
export class Crowd {
  private constructor(
    readonly services: readonly string[],
    private readonly servers: readonly Server[],
    private readonly nats: NatsConnection,
  ) {}

  /** @returns When everything is registered, which is not yet checked. */
  static async gather(natsUrl: string, services: number, instances: number): Promise<Crowd> {
    const servers = await Promise.all(Array.from({ length: instances }, listening));
    const names = Array.from({ length: services }, (_, number) => `crowd-${number}`);
    const nats = await connect({ servers: natsUrl });
    const crowd = new Crowd(names, servers, nats);
    await inTurns(names, (name) => crowd.register(name));
    const all = names.flatMap((name) =>
      servers.map((server, number) => instanceOf(name, number, server)),
    );
    for (let from = 0; from < all.length; from += TOGETHER)
      await crowd.command('RegisterInstances', 'here', {
        instances: all.slice(from, from + TOGETHER),
      });
    return crowd;
  }

  async disperse(): Promise<void> {
    await this.nats.close();
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  }

  private register(name: string): Promise<void> {
    return this.command('RegisterService', name, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      // One look when an instance is registered: what is tested is not the load of checks.
      health_check: { interval_ms: 3_600_000, timeout_ms: 30_000 },
    });
  }

  private async command(name: string, id: string, body: object): Promise<void> {
    const subject = `command.registry.${name}.${id}`;
    const options = { timeout: COMMAND_TIMEOUT_MS };
    const { data } = await this.nats.request(subject, json.encode(body), options);
    const outcome = json.decode(data) as Outcome;
    if (!outcome.accepted || (outcome.answer.refused ?? []).length > 0)
      throw new Error(`${subject}: ${JSON.stringify(outcome)}`);
  }
}

/** Does it with each, {@link AT_ONCE} at a time. */
export async function inTurns<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const instanceOf = (service_id: string, number: number, server: Server) => ({
  service_id,
  instance_id: `${service_id}-${number}`,
  ip_address: '127.0.0.1',
  port: portOf(server),
  version: '1.0.0',
});

async function listening(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ port: portOf(server) } satisfies Whereabouts));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
