import { EventStore, execute } from '@downbeat/event-store';
import { instantOf, Rejection, type Instant, type Position } from '@downbeat/eventsourcing';
import {
  checkStream,
  instanceCheck,
  reasonSaid,
  type CheckCommand,
  type CheckPlan,
  type Inherited,
  type Standing,
} from '@downbeat/health-domain';
import { newTraceparent } from '@downbeat/message-bus';
import { Clock, newId } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { Checked } from './known-instance';

/** What a check found, in the words of the log. */
export interface Finding {
  readonly standing: Standing;
  readonly inherited?: Inherited;
  readonly failures: number;
  readonly detail: string;
}

/** Writes down what checks found, each a story of its own: nobody asked for it. */
@Injectable()
export class CheckLog {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  now(): number {
    return this.clock.now();
  }

  /** @returns Where it stands in the log, or where what is there already stands. */
  passedStartup(checked: Checked, detail: string): Promise<Position> {
    const at = instantOf(this.now());
    const { service_name, instance_id } = checked;
    const data = { service_name, instance_id, detail, checked_at: at };
    return this.carryOut({ type: 'PassStartup', data, at });
  }

  crossed(
    { service_name, instance_id }: Checked,
    { standing, inherited, failures, detail }: Finding,
    { isPhased }: CheckPlan,
  ): Promise<Position> {
    const at: Instant = instantOf(this.now());
    const { status, phase } = standing;
    const reason = reasonSaid(standing.reason, inherited);
    const data = {
      service_name,
      instance_id,
      status: status === 'healthy' ? ('healthy' as const) : ('unhealthy' as const),
      ...(isPhased && { phase }),
      ...(reason !== undefined && { reason }),
      ...(inherited && { inherited: { origin: inherited.origin, path: inherited.path } }),
      failures,
      detail,
      checked_at: at,
    };
    return this.carryOut({ type: 'CrossThreshold', data, at });
  }

  private async carryOut(command: CheckCommand): Promise<Position> {
    const id = newId();
    const traceparent = newTraceparent();
    const meta = { correlation_id: id, causation_id: id, actor: 'health-checker', traceparent };
    const stream = checkStream(command.data.instance_id);
    const done = await execute(this.store, instanceCheck, stream, command, { meta });
    if (done instanceof Rejection) throw new TypeError(`a check is never refused: ${done.code}`);
    return done.position;
  }
}
