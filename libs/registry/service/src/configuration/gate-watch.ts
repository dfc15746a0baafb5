import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, type EventMeta } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModelBehind } from '@downbeat/projections';
import {
  configurationHistory,
  configurationStream,
  judge,
  type ConfigurationCommand,
} from '@downbeat/registry-domain';
import { Clock, newId, Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { GateEvidenceReader, type OpenGate } from './gate-evidence';
import { Hearing } from '../heartbeats/hearing';

const LOOK_EVERY_MS = 500;

/**
 * Judges the gates of activations. What there is to judge stands in the log and its read model, and time
 * is the database's: a registry that was killed goes on where it was. Every replica looks; a gate is
 * judged once, since the log takes one judgement.
 */
@Injectable()
export class GateWatch {
  private readonly logger = new Logger(GateWatch.name);
  private readonly periodic = new Periodic('judging activations', LOOK_EVERY_MS, () => this.look());
  private readonly hearing: Hearing;

  constructor(
    private readonly evidence: GateEvidenceReader,
    private readonly store: EventStore,
    bus: MessageBus,
    private readonly clock: Clock,
  ) {
    this.hearing = new Hearing(bus, {
      listenAnew: () => evidence.listenAnew(),
      wasHearing: false,
      // What a read model has still to read was heard all the same.
      isHarmless: (fault) => fault instanceof ReadModelBehind,
    });
  }

  start(): void {
    this.hearing.start();
    this.periodic.start();
  }

  hurry(): void {
    this.periodic.hurry();
  }

  async stop(): Promise<void> {
    this.hearing.stop();
    await this.periodic.stop();
  }

  /** Time in which instances could not be heard does not count as observed. */
  private async look(): Promise<void> {
    await this.hearing.whileHearing(async () => {
      for (const gate of await this.evidence.openGates()) await this.judge(gate);
    });
  }

  private async judge({ service_id, environment, activation, gate, evidence }: OpenGate) {
    const verdict = judge(gate, evidence);
    const data = { service_id, environment, activation, evidence };
    const at = instantOf(this.clock.now());
    switch (verdict.is) {
      case 'open':
        return;
      case 'passed':
        return this.decide({ type: 'ConfirmActivation', data, at });
      case 'failed': {
        const { because } = verdict;
        this.logger.warn({ service_id, environment, activation }, 'an activation is taken back');
        return this.decide({ type: 'RevertActivation', data: { ...data, because }, at });
      }
    }
  }

  private async decide(command: ConfigurationCommand): Promise<void> {
    const id = newId();
    const meta: EventMeta = { correlation_id: id, causation_id: id, actor: 'registry-health-gate' };
    const { service_id, environment } = command.data;
    const stream = configurationStream(service_id, environment);
    await execute(this.store, configurationHistory, stream, command, { meta });
  }
}
