import { ContextModule, ContextRuntime } from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { RecordSpans, RecordSpansHandler } from './commands/record-spans';
import { traces } from './projections/traces/traces.projection';
import { TracesQueries } from './projections/traces/traces.queries';

/** What was slow, what failed, and why: spans of the suite and of users' services. */
@Module({
  imports: [
    ContextModule.of({
      context: 'observability',
      projections: [traces],
      commands: [RecordSpans],
    }),
  ],
  controllers: [TracesQueries],
  providers: [RecordSpansHandler],
})
export class ObservabilityModule implements OnApplicationBootstrap {
  constructor(private readonly runtime: ContextRuntime) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.runtime.start();
  }
}
