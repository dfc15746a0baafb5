import {
  ContextModule,
  ContextRuntime,
  HostLifecycle,
  HostMetrics,
  HostSettings,
  loadConfig,
} from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AbandonedVersions } from './commands/abandoned-versions';
import { AnnounceLifecycle, AnnounceLifecycleHandler } from './commands/announce-lifecycle';
import {
  AcknowledgeConfiguration,
  AcknowledgeConfigurationHandler,
} from './commands/acknowledge-configuration';
import {
  ActivateConfiguration,
  ActivateConfigurationHandler,
} from './commands/activate-configuration';
import { CreateConfiguration, CreateConfigurationHandler } from './commands/create-configuration';
import { DeregisterInstance, DeregisterInstanceHandler } from './commands/deregister-instance';
import { Heartbeat, HeartbeatHandler } from './commands/heartbeat';
import { InstanceRoom } from './commands/instance-room';
import { RegisterInstance, RegisterInstanceHandler } from './commands/register-instance';
import { RegisterInstances, RegisterInstancesHandler } from './commands/register-instances';
import { RegisterService, RegisterServiceHandler } from './commands/register-service';
import { RetireService, RetireServiceHandler } from './commands/retire-service';
import {
  RollbackConfiguration,
  RollbackConfigurationHandler,
} from './commands/rollback-configuration';
import { UpdateService, UpdateServiceHandler } from './commands/update-service';
import { Activations } from './configuration/activations';
import { ConfigurationChecks } from './configuration/configuration-checks';
import { ConfigurationDocuments } from './configuration/configuration-documents';
import { ConfigurationNews } from './configuration/configuration-news';
import { GateEvidenceReader } from './configuration/gate-evidence';
import { GateWatch } from './configuration/gate-watch';
import { KnownHistories } from './configuration/known-histories';
import { DeclaredDependencies } from './dependencies/declared-dependencies';
import { DirectoryQueries } from './directory/directory.queries';
import { LiveDirectory } from './directory/live-directory';
import { showDirectory } from './metering/directory-metrics';
import { Heartbeats } from './heartbeats/heartbeats';
import { Housekeeping } from './heartbeats/housekeeping';
import { ActivationsQueries } from './projections/configurations/activations.queries';
import { configurations } from './projections/configurations/configurations.projection';
import { ConfigurationsQueries } from './projections/configurations/configurations.queries';
import { DiscoveryQueries } from './projections/services/discovery.queries';
import { DependenciesQueries } from './projections/services/dependencies.queries';
import { OffersQueries } from './projections/services/offers.queries';
import { services } from './projections/services/services.projection';
import { ServicesQueries } from './projections/services/services.queries';
import { registryPublications } from './publications/registry.publications';
import { DataKeys } from './secrets/data-keys';
import { KeyRing } from './secrets/key-ring';
import { KeyRotation } from './secrets/key-rotation';
import { SecretKeeper } from './secrets/secret-keeper';
import { SecretsQueries } from './secrets/secrets.queries';
import { registryConfig } from './registry-config';
import { InstanceHealthReactor } from './reactors/instance-health.reactor';
import { ClosedSessions } from './sessions/closed-sessions';

/** What exists, where, in which version: command in → decide → append → publish → project → query out. */
@Module({
  imports: [
    ContextModule.of({
      context: 'registry',
      projections: [services, configurations],
      publications: registryPublications,
      settings: registryConfig,
      commands: [
        RegisterService,
        UpdateService,
        RetireService,
        RegisterInstance,
        RegisterInstances,
        Heartbeat,
        AnnounceLifecycle,
        DeregisterInstance,
        CreateConfiguration,
        ActivateConfiguration,
        RollbackConfiguration,
        AcknowledgeConfiguration,
      ],
    }),
  ],
  controllers: [
    ServicesQueries,
    DependenciesQueries,
    OffersQueries,
    DiscoveryQueries,
    DirectoryQueries,
    ConfigurationsQueries,
    ActivationsQueries,
    SecretsQueries,
  ],
  providers: [
    RegisterServiceHandler,
    UpdateServiceHandler,
    RetireServiceHandler,
    RegisterInstanceHandler,
    RegisterInstancesHandler,
    HeartbeatHandler,
    AnnounceLifecycleHandler,
    DeregisterInstanceHandler,
    CreateConfigurationHandler,
    ActivateConfigurationHandler,
    RollbackConfigurationHandler,
    AcknowledgeConfigurationHandler,
    Activations,
    ConfigurationChecks,
    ConfigurationDocuments,
    ConfigurationNews,
    GateEvidenceReader,
    GateWatch,
    KnownHistories,
    DataKeys,
    KeyRotation,
    SecretKeeper,
    {
      provide: KeyRing,
      inject: [HostSettings],
      useFactory: ({ environment }: HostSettings) =>
        new KeyRing(loadConfig(registryConfig, environment).DOWNBEAT_CONFIG_KEY),
    },
    AbandonedVersions,
    DeclaredDependencies,
    Heartbeats,
    Housekeeping,
    InstanceRoom,
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
    private readonly dataKeys: DataKeys,
    private readonly keyRotation: KeyRotation,
    private readonly gates: GateWatch,
    private readonly configurationNews: ConfigurationNews,
    private readonly metrics: HostMetrics,
    private readonly lifecycle: HostLifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.heartbeats.prepare();
    await this.dataKeys.prepare();
    await this.runtime.start({ reactors: [this.instanceHealth] });
    await this.directory.start();
    showDirectory(this.directory, this.metrics.registry);
    this.lifecycle.onStop('the directory', () => this.directory.stop());
    this.closedSessions.start();
    this.lifecycle.onStop('closed sessions', async () => this.closedSessions.stop());
    this.keyRotation.start();
    this.lifecycle.onStop('moving data keys', () => this.keyRotation.stop());
    this.gates.start();
    this.lifecycle.onStop('configuration gates', () => this.gates.stop());
    await this.configurationNews.start();
    this.lifecycle.onStop('configuration news', () => this.configurationNews.stop());
    this.housekeeping.start();
    this.lifecycle.onStop('registry housekeeping', () => this.housekeeping.stop());
  }
}
