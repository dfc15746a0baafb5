import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';

const COMMAND_TIMEOUT_MS = 30_000;

export type InstanceName = { readonly service_id: string; readonly instance_id: string };

/** Many services whose instances all answer here; registered by commands over NATS, each outcome waited for. */
export class Crowd {
  private constructor(
    private readonly bus: MessageBus,
    private readonly server: Server,
  ) {}

  static async gather(bus: MessageBus): Promise<Crowd> {
    const server = createServer((_, response) => response.writeHead(200).end());
    // A connection that is closed while a check is sent over it would be a failed one, and there is no second.
    server.keepAliveTimeout = COMMAND_TIMEOUT_MS;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Crowd(bus, server);
  }

  async command(name: string, id: string, body: JsonObject): Promise<JsonObject> {
    const subject = `command.registry.${name}.${id}`;
    const outcome = await this.bus.command(subject, body, { timeoutMs: COMMAND_TIMEOUT_MS });
    if (!outcome.accepted) throw new Error(`${subject}: ${outcome.problem.message}`);
    return outcome.answer;
  }

  async register(service: string): Promise<void> {
    await this.command('RegisterService', service, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      // One look when it is registered, and none while it is measured.
      health_check: { interval_ms: 3_600_000, timeout_ms: 30_000 },
    });
  }

  async registerInstance(
    service_id: string,
    instance_id: string,
    more: JsonObject = {},
  ): Promise<void> {
    const { instance_id: id, ...body } = this.instanceOf({ service_id, instance_id });
    await this.command('RegisterInstance', id, { node_name: 'bench', ...body, ...more });
  }

  /** By one command. @throws {Error} One of them was refused. */
  async registerInstances(node: string, names: readonly InstanceName[]): Promise<void> {
    const instances = names.map((name) => this.instanceOf(name));
    const answer = await this.command('RegisterInstances', node, { instances });
    if (answer['registered'] !== names.length)
      throw new Error(`${node}: ${JSON.stringify(answer['refused']).slice(0, 500)}`);
  }

  private instanceOf(name: InstanceName) {
    const { port } = this.server.address() as AddressInfo;
    return { ...name, ip_address: '127.0.0.1', port, version: '1.0.0' };
  }

  /** @returns How many a second were done, `atOnce` at a time. */
  async rateOf(all: readonly (() => Promise<void>)[], atOnce: number): Promise<number> {
    const left = [...all];
    const began = performance.now();
    const worker = async (): Promise<void> => {
      for (let next = left.pop(); next; next = left.pop()) await next();
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return all.length / ((performance.now() - began) / 1_000);
  }

  async disperse(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
