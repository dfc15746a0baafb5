import { DownbeatService } from '@downbeat/sdk';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { enlistmentsOf } from './decorators';

/** A decorated method belongs to a provider that is made for each request, or for each that it is injected into: a message is neither. */
export class UnfitHandler extends Error {
  override readonly name = 'UnfitHandler';
  readonly code = 'nestjs/unfit-handler';
}

type Method = (...values: never[]) => unknown;

/** The module is imported with options a second time: it would be a second service, with the handlers of the first. */
export class SecondService extends Error {
  override readonly name = 'SecondService';
  readonly code = 'nestjs/second-service';
}

/** Finds the decorated methods when the application has started, and starts and stops the service with it. */
@Injectable()
export class Handlers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly service: DownbeatService,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const found = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    if (found.filter(({ token }) => token === Handlers).length > 1)
      throw new SecondService(
        'DownbeatModule.forRoot is imported twice: an application is one service',
      );
    // One instance may be provided under several names.
    const seen = new Set<object>();
    for (const wrapper of found) {
      const prototype = (wrapper.metatype as { prototype?: unknown } | null)?.prototype;
      const isOnlyOne = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      if (!isOnlyOne) this.refuse(wrapper.name as string, prototype);
      const instance = isOnlyOne ? (wrapper.instance as unknown) : undefined;
      if (!isObject(instance) || seen.has(instance)) continue;
      seen.add(instance);
      this.enlist(instance);
    }
    await this.service.start();
  }

  /** Before Nest closes its own servers: callers are told first, and calls under way end. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.service.stop();
  }

  private enlist(instance: object): void {
    for (const [method, enlistments] of this.decorated(Object.getPrototypeOf(instance)))
      for (const enlist of enlistments) enlist(this.service, method.bind(instance) as Method);
  }

  /** @throws {UnfitHandler} */
  private refuse(name: string, prototype: unknown): void {
    for (const [method] of this.decorated(prototype))
      throw new UnfitHandler(
        `${name}.${method.name} cannot handle anything: ${name} is made anew, again and again`,
      );
  }

  private *decorated(
    prototype: unknown,
  ): Generator<readonly [Method, ReturnType<typeof enlistmentsOf>]> {
    if (!isObject(prototype)) return;
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const method = (prototype as Record<string, unknown>)[name];
      if (typeof method !== 'function') continue;
      const enlistments = enlistmentsAlong(prototype, name);
      if (enlistments.length > 0) yield [method as Method, enlistments];
    }
  }
}

/** Those of the method, or of the nearest one that it overrides. */
function enlistmentsAlong(prototype: object, name: string): ReturnType<typeof enlistmentsOf> {
  for (let at: unknown = prototype; isObject(at); at = Object.getPrototypeOf(at)) {
    const method = Object.getOwnPropertyDescriptor(at, name)?.value as unknown;
    const enlistments = typeof method === 'function' ? enlistmentsOf(method) : [];
    if (enlistments.length > 0) return enlistments;
  }
  return [];
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
