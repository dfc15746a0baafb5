import { ContextModule, ContextRuntime, HostLifecycle } from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AnnounceLifecycle, AnnounceLifecycleHandler } from './commands/announce-lifecycle';
import { DeregisterInstance, DeregisterInstanceHandler } from './commands/deregister-instance';
import { Heartbeat, HeartbeatHandler } from './commands/heartbeat';
import { RegisterInstance, RegisterInstanceHandler } from './commands/register-instance';
import { RegisterService, RegisterServiceHandler } from './commands/register-service';
import { UpdateService, UpdateServiceHandler } from './commands/update-service';
import { DeclaredDependencies } from './dependencies/declared-dependencies';
import { DirectoryQueries } from './directory/directory.queries';
import { LiveDirectory } from './directory/live-directory';
import { Heartbeats } from './heartbeats/heartbeats';
import { Housekeeping } from './heartbeats/housekeeping';
import { DependenciesQueries } from './projections/services/dependencies.queries';
import { OffersQueries } from './projections/services/offers.queries';
import { services } from './projections/services/services.projection';
import { ServicesQueries } from './projections/services/services.queries';
import { registryPublications } from './publications/registry.publications';
import { registryConfig } from './registry-config';
import { InstanceHealthReactor } from './reactors/instance-health.reactor';
import { ClosedSessions } from './sessions/closed-sessions';

/** What exists, where, in which version: command in → decide → append → publish → project → query out. */
@Module({
  imports: [
    ContextModule.of({
      context: 'registry',
      projections: [services],
      publications: registryPublications,
      settings: registryConfig,
      commands: [
        RegisterService,
        UpdateService,
        RegisterInstance,
        Heartbeat,
        AnnounceLifecycle,
        DeregisterInstance,
      ],
    }),
  ],
  controllers: [ServicesQueries, DependenciesQueries, OffersQueries, DirectoryQueries],
  providers: [
    RegisterServiceHandler,
    UpdateServiceHandler,
    RegisterInstanceHandler,
    HeartbeatHandler,
    AnnounceLifecycleHandler,
    DeregisterInstanceHandler,
    DeclaredDependencies,
    Heartbeats,
    Housekeeping,
    LiveDirectory,
    ClosedSessions,
    InstanceHealthReactor,
  ],
})
export class RegistryModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly heartbeats: Heartbeats,
    private readonly housekeeping: Housekeeping,
    private readonly directory: LiveDirectory,
    private readonly closedSessions: ClosedSessions,
    private readonly instanceHealth: InstanceHealthReactor,
    private readonly lifecycle: HostLifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.heartbeats.prepare();
    await this.runtime.start({ reactors: [this.instanceHealth] });
    await this.directory.start();
    this.lifecycle.onStop('the directory', () => this.directory.stop());
    this.closedSessions.start();
    this.lifecycle.onStop('closed sessions', async () => this.closedSessions.stop());
    this.housekeeping.start();
    this.lifecycle.onStop('registry housekeeping', () => this.housekeeping.stop());
  }
}
