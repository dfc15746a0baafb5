import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import type { Json } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import {
  canonicalJson,
  workflowDefinitions,
  workflowDefinitionStream,
} from '@downbeat/saga-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { createHash } from 'node:crypto';
import { checkCycles } from '../definitions/cycles';
import { DEFINITION_HINT } from '../definitions/definition-hints';
import { DefinitionLibrary } from '../definitions/definition-library';
import { CallableSubjects } from '../targets/callable-subjects';

export class RegisterWorkflowDefinition extends commandOf(sagaContract.registerDefinition) {}

@CommandHandler(RegisterWorkflowDefinition)
export class RegisterWorkflowDefinitionHandler implements ICommandHandler<RegisterWorkflowDefinition> {
  constructor(
    private readonly store: EventStore,
    private readonly library: DefinitionLibrary,
    private readonly bus: MessageBus,
    private readonly subjects: CallableSubjects,
  ) {}

  async execute({ data, at, cause }: RegisterWorkflowDefinition) {
    const refusal = this.subjects.refusalIn(data) ?? (await checkCycles(data, this.library));
    if (refusal) return refused(refusal);
    const { name, version } = data;
    const canonical = canonicalJson(data as unknown as Json);
    const checksum = createHash('sha256').update(canonical).digest('hex');
    const stream = workflowDefinitionStream(name);
    const command = { type: 'RegisterWorkflowDefinition', data, at, checksum } as const;
    const outcome = await carryOut(this.store, workflowDefinitions, stream, command, cause, () => ({
      name,
      version,
      checksum,
    }));
    this.library.forget(name);
    this.bus.hint(DEFINITION_HINT, { name });
    return outcome;
  }
}
