import { audit } from './audit/audit';
import type { CommandContract, ContextName, EventContract, QueryContract } from './contract';
import { health } from './health/health';
import { messaging } from './messaging/messaging';
import { observability } from './observability/observability';
import { registry } from './registry/registry';
import { saga } from './saga/saga';

export * from './contract';
export * from './payload';
export * from './specified-endpoints';
export * from './subject-ids';
export * from './untrusted-json';
export * from './validate';
export * from './saga/workflow-definition';
export * as auditContract from './audit/audit';
export * as healthContract from './health/health';
export * as messagingContract from './messaging/messaging';
export * as observabilityContract from './observability/observability';
export * as registryContract from './registry/registry';
export * as sagaContract from './saga/saga';

/** Everything the suite says and understands, by context: the one table the edge and the documents are made from. */
export const contracts: Readonly<
  Record<
    ContextName,
    {
      readonly commands: readonly CommandContract[];
      readonly queries: readonly QueryContract[];
      readonly events: readonly EventContract[];
    }
  >
> = {
  registry: registry as never,
  health: health as never,
  saga: saga as never,
  messaging: messaging as never,
  observability: observability as never,
  audit: audit as never,
};
