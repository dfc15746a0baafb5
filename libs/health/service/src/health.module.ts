import { createEgress, Egress, egressPolicy } from '@downbeat/egress';
import { SessionLock } from '@downbeat/publishing';
import {
  ContextModule,
  ContextPool,
  ContextRuntime,
  HostLifecycle,
  HostSettings,
  SoleReplica,
} from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { Checker } from './checks/checker';
import { HttpCheck } from './checks/http-check';
import { checks } from './projections/checks/checks.projection';
import { ChecksQueries } from './projections/checks/checks.queries';
import { healthPublications } from './publications/health.publications';
import { RegisteredInstancesReactor } from './reactors/registered-instances.reactor';

/** What works: registered instances are checked, and what crosses a threshold is told. */
@Module({
  imports: [
    ContextModule.of({
      context: 'health',
      projections: [checks],
      publications: healthPublications,
      commands: [],
    }),
  ],
  controllers: [ChecksQueries],
  providers: [
    Checker,
    HttpCheck,
    RegisteredInstancesReactor,
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
  ],
})
export class HealthModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly checker: Checker,
    private readonly registeredInstances: RegisteredInstancesReactor,
    private readonly pool: ContextPool,
    private readonly lifecycle: HostLifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.runtime.start({ reactors: [this.registeredInstances] });
    const checking = new SoleReplica(new SessionLock(this.pool.pool, 'downbeat health checks'), {
      begin: () => this.checker.start(),
      end: () => this.checker.stop(),
    });
    checking.start();
    this.lifecycle.onStop('health checks', () => checking.stop());
  }
}
