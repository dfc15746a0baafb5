import { observabilityContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { callReport, callReportStream } from '@downbeat/observability-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

export class RecordCalls extends commandOf(observabilityContract.recordCalls) {}

@CommandHandler(RecordCalls)
export class RecordCallsHandler implements ICommandHandler<RecordCalls> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: RecordCalls) {
    const { report_id } = data;
    const command = { type: 'RecordCalls', data, at } as const;
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
