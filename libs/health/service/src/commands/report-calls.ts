import { healthContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import { accepted, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

const { CALLS_HINT, reportCalls } = healthContract;

export class ReportCalls extends commandOf(reportCalls) {}

/** Single calls are no events: what they lead to is. The replica that checks the instance hears of them. */
@CommandHandler(ReportCalls)
export class ReportCallsHandler implements ICommandHandler<ReportCalls> {
  constructor(
    private readonly bus: MessageBus,
    private readonly store: EventStore,
  ) {}

  async execute({ data }: ReportCalls) {
    this.bus.hint(CALLS_HINT, data);
    return accepted(await this.store.head(), { reporter: data.reporter });
  }
}
