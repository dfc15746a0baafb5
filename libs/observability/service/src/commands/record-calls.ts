import { observabilityContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { callReport, callReportStream } from '@downbeat/observability-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { KnownTargets } from './known-targets';
import type { TargetRoom } from './target-room';

export class RecordCalls extends commandOf(observabilityContract.recordCalls) {}

@CommandHandler(RecordCalls)
export class RecordCallsHandler implements ICommandHandler<RecordCalls> {
  constructor(
    private readonly store: EventStore,
    private readonly targets: KnownTargets,
  ) {}

  async execute({ data, at, cause }: RecordCalls) {
    const { report_id } = data;
    const room = await this.targets.roomFor(data.calls);
    try {
      const outcome = await carryOut(
        this.store,
        boundedReport(room),
        callReportStream(report_id),
        { type: 'RecordCalls', data, at },
        cause,
        (report) => ({ report_id, call_count: report?.callCount ?? 0 }),
      );
      if (outcome.accepted && !outcome.repeated) room.keep();
      return outcome;
    } finally {
      room.giveBack();
    }
  }
}

/** The same rules. Only what is recorded takes room: not what is refused, or was told before. */
const boundedReport = (room: TargetRoom): typeof callReport => ({
  ...callReport,
  decide: (command, state) => {
    const decision = callReport.decide(command, state);
    if (decision instanceof Rejection || decision.length === 0) return decision;
    const calls = room.take(command.data.calls);
    return callReport.decide({ ...command, data: { ...command.data, calls } }, state);
  },
});
