import { createEgress, Egress, egressPolicy } from '@downbeat/egress';
import {
  ContextModule,
  ContextRuntime,
  HostLifecycle,
  HostMetrics,
  HostSettings,
  loadConfig,
} from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CheckLog } from './checks/check-log';
import { Checker } from './checks/checker';
import { CheckedSubjects } from './checks/probes/checked-subjects';
import { GrpcProbe } from './checks/probes/grpc-probe';
import { HttpProbe } from './checks/probes/http-probe';
import { InstanceProbes } from './checks/probes/instance-probes';
import { NatsProbe } from './checks/probes/nats-probe';
import { TcpProbe } from './checks/probes/tcp-probe';
import { Probing } from './checks/probing';
import { ReportedCalls } from './checks/reported-calls';
import { ReportCalls, ReportCallsHandler } from './commands/report-calls';
import { healthConfig } from './health-config';
import { breakerCommands, breakerControllers, breakerProviders } from './breakers/breaker-parts';
import { CheckMetrics } from './metering/check-metrics';
import { showWatched } from './metering/watched-metrics';
import { breakers } from './projections/breakers/breakers.projection';
import { checks } from './projections/checks/checks.projection';
import { ChecksQueries } from './projections/checks/checks.queries';
import { SystemQueries } from './projections/checks/system.queries';
import { healthPublications } from './publications/health.publications';
import { RegisteredInstancesReactor } from './reactors/registered-instances.reactor';
import { Replicas } from './sharing/replicas';

/** What works: registered instances are checked, and what crosses a threshold is told. */
@Module({
  imports: [
    ContextModule.of({
      context: 'health',
      projections: [checks, breakers],
      publications: healthPublications,
      settings: healthConfig,
      commands: [ReportCalls, ...breakerCommands],
    }),
  ],
  controllers: [ChecksQueries, SystemQueries, ...breakerControllers],
  providers: [
    Checker,
    CheckLog,
    Probing,
    ReportCallsHandler,
    ReportedCalls,
    Replicas,
    InstanceProbes,
    CheckMetrics,
    HttpProbe,
    TcpProbe,
    NatsProbe,
    GrpcProbe,
    RegisteredInstancesReactor,
    ...breakerProviders,
    {
      provide: Egress,
      inject: [HostSettings, HostLifecycle],
      useFactory: ({ config }: HostSettings, lifecycle: HostLifecycle) => {
        const policy = egressPolicy({
          mode: config.DOWNBEAT_MODE,
          allowedCidrs: config.DOWNBEAT_ALLOWED_CIDRS,
        });
        const egress = createEgress({ policy });
        lifecycle.onClose('egress', () => egress.close());
        return egress;
      },
    },
    {
      provide: CheckedSubjects,
      inject: [HostSettings],
      useFactory: ({ config, environment }: HostSettings) => {
        const { HEALTH_CHECKED_SUBJECTS } = loadConfig(healthConfig, environment);
        return CheckedSubjects.of(HEALTH_CHECKED_SUBJECTS, config.DOWNBEAT_MODE);
      },
    },
  ],
})
export class HealthModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly checker: Checker,
    private readonly registeredInstances: RegisteredInstancesReactor,
    private readonly replicas: Replicas,
    private readonly reportedCalls: ReportedCalls,
    private readonly metrics: HostMetrics,
    private readonly lifecycle: HostLifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.runtime.start({ reactors: [this.registeredInstances] });
    await this.replicas.prepare();
    this.checker.start();
    showWatched(this.checker, this.metrics.registry);
    const deafen = this.reportedCalls.listen((instanceId, evidence) =>
      this.checker.hearOfCalls(instanceId, evidence),
    );
    this.lifecycle.onStop('health checks', async () => {
      deafen();
      await this.checker.stop();
    });
  }
}
