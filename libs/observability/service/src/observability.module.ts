import type { Server } from 'node:http';
import { ContextModule, ContextRuntime, HostLifecycle } from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Registry } from 'prom-client';
import { KnownTargets } from './commands/known-targets';
import { RecordCalls, RecordCallsHandler } from './commands/record-calls';
import { alertCommandClasses, alertControllers, alertProviders } from './alerts/alert-parts';
import { alertsConfig } from './alerts/alerts-config';
import { AlertWatch } from './alerts/evaluating/alert-watch';
import { alertsProjection } from './alerts/read-model/alerts.projection';
import { RecordSpans, RecordSpansHandler } from './commands/record-spans';
import { observabilityConfig } from './observability-config';
import { SpanMetrics } from './metering/span-metrics';
import { boundHttp } from './otlp/http-bounds';
import { Ingest } from './otlp/ingest';
import { Intake } from './otlp/intake';
import { OtlpController } from './otlp/otlp.controller';
import { SpanRecorder } from './otlp/span-recorder';
import { calls } from './projections/calls/calls.projection';
import { CallsQueries } from './projections/calls/calls.queries';
import { RegistryView } from './projections/calls/registry-view';
import { traces } from './projections/traces/traces.projection';
import { TracesQueries } from './projections/traces/traces.queries';
import { CallRetention } from './retention/call-retention';
import { TraceRetention } from './retention/trace-retention';
import { SpanCounts } from './sampling/span-counts';
import { TailSampling } from './sampling/tail-sampling';

/** What was slow, what failed, and why: spans of the suite and of users' services. And who is told. */
@Module({
  imports: [
    ContextModule.of({
      context: 'observability',
      projections: [traces, calls, alertsProjection],
      commands: [RecordSpans, RecordCalls, ...alertCommandClasses],
      settings: observabilityConfig.extend(alertsConfig.shape),
    }),
  ],
  controllers: [TracesQueries, CallsQueries, OtlpController, ...alertControllers],
  providers: [
    RecordSpansHandler,
    RecordCallsHandler,
    KnownTargets,
    RegistryView,
    TraceRetention,
    CallRetention,
    SpanRecorder,
    SpanCounts,
    TailSampling,
    Ingest,
    SpanMetrics,
    { provide: Intake, useFactory: () => new Intake() },
    ...alertProviders,
  ],
})
export class ObservabilityModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly intake: Intake,
    private readonly retention: TraceRetention,
    private readonly callRetention: CallRetention,
    private readonly sampling: TailSampling,
    private readonly counts: SpanCounts,
    private readonly metrics: Registry,
    private readonly host: HttpAdapterHost,
    private readonly lifecycle: HostLifecycle,
    private readonly alerts: AlertWatch,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    boundHttp(this.host.httpAdapter.getHttpServer() as Server);
    await this.alerts.prepare();
    await this.runtime.start();
    this.retention.start();
    this.lifecycle.onStop('trace retention', () => this.retention.stop());
    this.callRetention.start();
    this.lifecycle.onStop('call retention', () => this.callRetention.stop());
    this.counts.show(this.metrics, () => this.sampling.heldSpans);
    this.sampling.start();
    // Ends behind the intake, which holds spans to its end.
    this.lifecycle.onStop('sampling of spans', () => this.sampling.stop());
    this.alerts.start();
    this.lifecycle.onStop('alerts', () => this.alerts.stop());
    this.lifecycle.onStop('intake of spans', () => this.intake.close());
  }
}
