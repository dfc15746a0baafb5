import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';

const COMMAND_TIMEOUT_MS = 30_000;

/** Many services whose instances all answer here; registered by commands over NATS, each outcome waited for. */
export class Crowd {
  private constructor(
    private readonly bus: MessageBus,
    private readonly server: Server,
  ) {}

  static async gather(bus: MessageBus): Promise<Crowd> {
    const server = createServer((_, response) => response.writeHead(200).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Crowd(bus, server);
  }

  async command(name: string, id: string, body: JsonObject): Promise<void> {
    const subject = `command.registry.${name}.${id}`;
    const outcome = await this.bus.command(subject, body, { timeoutMs: COMMAND_TIMEOUT_MS });
    if (!outcome.accepted) throw new Error(`${subject}: ${outcome.problem.message}`);
  }

  register(service: string): Promise<void> {
    return this.command('RegisterService', service, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      // One look when it is registered, and none while it is measured.
      health_check: { interval_ms: 3_600_000, timeout_ms: 30_000 },
    });
  }

  registerInstance(service_id: string, id: string, more: JsonObject = {}): Promise<void> {
    return this.command('RegisterInstance', id, {
      service_id,
      node_name: 'bench',
      ip_address: '127.0.0.1',
      port: (this.server.address() as AddressInfo).port,
      version: '1.0.0',
      ...more,
    });
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
