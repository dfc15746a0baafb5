import { healthContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { breakerReports, breakerReportsStream } from '@downbeat/health-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { breakerIdOf } from '../breakers/breaker-id';

export class ReportBreakers extends commandOf(healthContract.reportBreakers) {}

/** What breakers did becomes events: one for each transition, one for the counts of the report. */
@CommandHandler(ReportBreakers)
export class ReportBreakersHandler implements ICommandHandler<ReportBreakers> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: ReportBreakers) {
    const { holder, report_no } = data;
    const breakers = data.breakers.map((one) => ({ ...one, breaker_id: breakerIdOf(one) }));
    const stream = breakerReportsStream(holder, report_no, cause.inNameOf !== undefined);
    const command = { type: 'ReportBreakers', data: { ...data, breakers }, at } as const;
    return carryOut(this.store, breakerReports, stream, command, cause, () => ({
      holder,
      report_no,
    }));
  }
}
