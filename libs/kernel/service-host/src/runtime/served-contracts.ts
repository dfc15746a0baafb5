import { contracts, querySubject } from '@downbeat/contracts';
import { Fault } from '@downbeat/eventsourcing';
import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { COMMAND_HANDLER_METADATA } from '@nestjs/cqrs/dist/decorators/constants';
import { PATTERN_METADATA } from '@nestjs/microservices/constants';
import type { ContextDefinition } from './context-definition';

/** A context promises what nobody in it carries out or answers. */
export class ContractNotServed extends Fault {
  override readonly name = 'ContractNotServed';
  readonly code = 'service-host/contract-not-served';
  readonly remedy = 'give-up';

  constructor(context: string, missing: readonly string[]) {
    super(`${context} does not serve all of its contracts: ${missing.join('; ')}`);
  }
}

type Promised = Pick<ContextDefinition, 'context' | 'commands' | 'contracts'>;

/**
 * Looks for a handler of every command and an answer to every query of a context among what the
 * process is made of, so that a forgotten one is found before somebody needs it.
 *
 * @throws {ContractNotServed}
 */
export function assertServed(definition: Promised, modules: ModulesContainer): void {
  const { context, commands: classes, contracts: promised = contracts[context] } = definition;
  const parts = [...modules.values()];
  const handled = new Set(
    classesIn(parts.map(({ providers }) => providers)).map((one): unknown =>
      Reflect.getMetadata(COMMAND_HANDLER_METADATA, one),
    ),
  );
  const answered = new Set(
    classesIn(parts.map(({ controllers }) => controllers)).flatMap(patternsOf),
  );
  const missing = [
    ...promised.commands.flatMap(({ name }) => {
      const found = classes.find(({ contract }) => contract.name === name);
      if (!found) return [`command ${name} is not among the commands of its module`];
      return handled.has(found) ? [] : [`command ${name} has no handler among the providers`];
    }),
    ...promised.queries
      .filter((query) => !answered.has(querySubject(query)))
      .map(({ name }) => `query ${name} is answered by no controller`),
  ];
  if (missing.length > 0) throw new ContractNotServed(context, missing);
}

type Parts = ReadonlyMap<unknown, { readonly instance: unknown }>;

/** Of the instances: what a factory made has no class in its wrapper. */
const classesIn = (rooms: readonly Parts[]): readonly Type[] =>
  rooms
    .flatMap((parts) => [...parts.values()])
    .map(({ instance }) => (instance as object | null | undefined)?.constructor)
    .filter((one): one is Type => typeof one === 'function');

/** What `@Answers` wrote on a controller's methods. */
function patternsOf(controller: Type): readonly unknown[] {
  const prototype = controller.prototype as object;
  return Object.getOwnPropertyNames(prototype).flatMap((key) => {
    const method: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
    const patterns: unknown =
      typeof method === 'function' ? Reflect.getMetadata(PATTERN_METADATA, method) : undefined;
    return Array.isArray(patterns) ? patterns : [];
  });
}
