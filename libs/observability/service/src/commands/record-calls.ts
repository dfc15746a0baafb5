import { observabilityContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { callReport, callReportStream } from '@downbeat/observability-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { KnownTargets } from './known-targets';

export class RecordCalls extends commandOf(observabilityContract.recordCalls) {}

@CommandHandler(RecordCalls)
export class RecordCallsHandler implements ICommandHandler<RecordCalls> {
  constructor(
    private readonly store: EventStore,
    private readonly targets: KnownTargets,
  ) {}

  async execute({ data, at, cause }: RecordCalls) {
    const { report_id } = data;
    const calls = await this.targets.bounded(data.calls);
    const command = { type: 'RecordCalls', data: { ...data, calls }, at } as const;
    return carryOut(
      this.store,
      callReport,
      callReportStream(report_id),
      command,
      cause,
      (report) => ({ report_id, call_count: report?.callCount ?? 0 }),
    );
  }
}
