import { sagaContract } from '@downbeat/contracts';
import { createEgress, Egress, egressPolicy } from '@downbeat/egress';
import { EventStore, Leases } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import {
  ContextModule,
  ContextRuntime,
  HostLifecycle,
  HostMetrics,
  HostSettings,
  loadConfig,
  Probes,
} from '@downbeat/service-host';
import { Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Admission } from './admission/admission';
import { TargetWatch } from './admission/target-watch';
import { BreakerReports } from './breakers/breaker-reports';
import { BreakerSettingsWatch } from './breakers/breaker-settings-watch';
import { BulkWatch } from './bulk/bulk-watch';
import {
  AbortBulkOperation,
  AbortBulkOperationHandler,
  StartBulkOperation,
  StartBulkOperationHandler,
} from './commands/bulk-operation';
import { CompensateWorkflow, CompensateWorkflowHandler } from './commands/compensate-workflow';
import {
  ControlDefinition,
  PauseDefinition,
  PauseDefinitionHandler,
  ResumeDefinition,
  ResumeDefinitionHandler,
} from './commands/control-definition';
import {
  ControlSchedule,
  DeleteSchedule,
  DeleteScheduleHandler,
  PauseSchedule,
  PauseScheduleHandler,
  PutSchedule,
  PutScheduleHandler,
  ResumeSchedule,
  ResumeScheduleHandler,
  TriggerSchedule,
  TriggerScheduleHandler,
} from './commands/control-schedule';
import {
  ControlTarget,
  LimitTarget,
  LimitTargetHandler,
  PauseTarget,
  PauseTargetHandler,
  ResumeTarget,
  ResumeTargetHandler,
} from './commands/control-target';
import {
  ControlRetention,
  DeleteRetentionPolicy,
  DeleteRetentionPolicyHandler,
  PutRetentionPolicy,
  PutRetentionPolicyHandler,
} from './commands/control-retention';
import { MigrateWorkflow, MigrateWorkflowHandler } from './commands/migrate-workflow';
import { OperateWorkflow } from './commands/operate-workflow';
import {
  RegisterWorkflowDefinition,
  RegisterWorkflowDefinitionHandler,
} from './commands/register-workflow-definition';
import { PauseWorkflow, PauseWorkflowHandler } from './commands/pause-workflow';
import { ResolveIncident, ResolveIncidentHandler } from './commands/resolve-incident';
import { ResumeWorkflow, ResumeWorkflowHandler } from './commands/resume-workflow';
import { RetryWorkflow, RetryWorkflowHandler } from './commands/retry-workflow';
import { RoomElsewhere } from './commands/room-elsewhere';
import { SignalWorkflow, SignalWorkflowHandler } from './commands/signal-workflow';
import { StartRuns } from './commands/start-runs';
import { StartWorkflow, StartWorkflowHandler } from './commands/start-workflow';
import { forgetWhenHinted } from './definitions/definition-hints';
import { DefinitionLibrary } from './definitions/definition-library';
import { Migrations } from './definitions/migrations';
import { PausedDefinitions } from './definitions/paused-definitions';
import { RunsOfPaused } from './definitions/runs-of-paused';
import { CrashPoints, KillAtPoint, NoCrashPoints } from './engine/crash-points';
import { DatabaseClock } from './engine/database-clock';
import { showEngine } from './engine/engine-status';
import { FaultLog } from './engine/fault-log';
import { Replica } from './engine/replica';
import { RunEngine } from './engine/run-engine';
import { showBreakers } from './metering/breaker-metrics';
import { CallMetrics } from './metering/call-metrics';
import { RunCounts } from './metering/run-counts';
import { RunMetrics } from './metering/run-metrics';
import { bulkOperations } from './projections/bulk/bulk.projection';
import { BulkQueries } from './projections/bulk/bulk.queries';
import { incidents } from './projections/incidents/incidents.projection';
import { IncidentsQueries } from './projections/incidents/incidents.queries';
import { OpenIncidents } from './projections/incidents/open-incidents';
import { retention } from './projections/retention/retention.projection';
import { RetentionQueries } from './projections/retention/retention.queries';
import { schedulesProjection } from './projections/schedules/schedules.projection';
import { SchedulesQueries } from './projections/schedules/schedules.queries';
import { targets } from './projections/targets/targets.projection';
import { TargetsQueries } from './projections/targets/targets.queries';
import { ExpectedDurations } from './projections/workflows/expected-durations';
import { MigrationPreviewQueries } from './projections/workflows/migration-preview.queries';
import { WorkflowStatusQueries } from './projections/workflows/workflow-status.queries';
import { workflows } from './projections/workflows/workflows.projection';
import { WorkflowsQueries } from './projections/workflows/workflows.queries';
import { OldBulkOperations } from './retention/old-bulk-operations';
import { RetentionPolicies } from './retention/retention-policies';
import { RetentionWatch } from './retention/retention-watch';
import { sagaPublications } from './publications/saga.publications';
import { sagaConfig } from './saga-config';
import { ScheduledRuns } from './schedules/scheduled-runs';
import { ScheduleSnapshots } from './schedules/schedule-snapshots';
import { ScheduleWatch } from './schedules/schedule-watch';
import { CallReports } from './targets/call-reports';
import { CallableSubjects } from './targets/callable-subjects';
import { HttpTarget } from './targets/http-target';
import { NatsTarget } from './targets/nats-target';
import { ServiceDirectory } from './targets/service-directory';
import { TargetCaller } from './targets/target-caller';
import { Targets } from './targets/targets';

const faults = new FaultLog(new Logger(RunEngine.name));
const alarms = new Logger('Incidents');

/** Transactions across services that end in exactly one way. Start reading at `engine/`. */
@Module({
  imports: [
    ContextModule.of({
      context: 'saga',
      projections: [workflows, incidents, targets, schedulesProjection, bulkOperations, retention],
      publications: sagaPublications,
      settings: sagaConfig,
      commands: [
        RegisterWorkflowDefinition,
        PauseDefinition,
        ResumeDefinition,
        StartWorkflow,
        CompensateWorkflow,
        RetryWorkflow,
        ResolveIncident,
        PauseWorkflow,
        ResumeWorkflow,
        MigrateWorkflow,
        LimitTarget,
        PauseTarget,
        ResumeTarget,
        SignalWorkflow,
        PutSchedule,
        PauseSchedule,
        ResumeSchedule,
        DeleteSchedule,
        TriggerSchedule,
        StartBulkOperation,
        AbortBulkOperation,
        PutRetentionPolicy,
        DeleteRetentionPolicy,
      ],
    }),
  ],
  controllers: [
    WorkflowsQueries,
    WorkflowStatusQueries,
    MigrationPreviewQueries,
    IncidentsQueries,
    TargetsQueries,
    SchedulesQueries,
    BulkQueries,
    RetentionQueries,
  ],
  providers: [
    RegisterWorkflowDefinitionHandler,
    PauseDefinitionHandler,
    ResumeDefinitionHandler,
    ControlDefinition,
    PausedDefinitions,
    RunsOfPaused,
    StartWorkflowHandler,
    StartRuns,
    { provide: RoomElsewhere, useExisting: TargetWatch },
    CompensateWorkflowHandler,
    RetryWorkflowHandler,
    ResolveIncidentHandler,
    PauseWorkflowHandler,
    ResumeWorkflowHandler,
    MigrateWorkflowHandler,
    Migrations,
    LimitTargetHandler,
    PauseTargetHandler,
    ResumeTargetHandler,
    ControlTarget,
    TargetWatch,
    BreakerReports,
    CallReports,
    BreakerSettingsWatch,
    PutScheduleHandler,
    PauseScheduleHandler,
    ResumeScheduleHandler,
    DeleteScheduleHandler,
    TriggerScheduleHandler,
    ControlSchedule,
    ScheduledRuns,
    ScheduleSnapshots,
    ScheduleWatch,
    StartBulkOperationHandler,
    AbortBulkOperationHandler,
    BulkWatch,
    PutRetentionPolicyHandler,
    DeleteRetentionPolicyHandler,
    ControlRetention,
    RetentionPolicies,
    OldBulkOperations,
    RetentionWatch,
    SignalWorkflowHandler,
    OperateWorkflow,
    ExpectedDurations,
    OpenIncidents,
    RunMetrics,
    RunCounts,
    CallMetrics,
    DatabaseClock,
    ServiceDirectory,
    HttpTarget,
    NatsTarget,
    {
      provide: CallableSubjects,
      inject: [HostSettings],
      useFactory: ({ config, environment }: HostSettings) => {
        const { SAGA_CALLED_SUBJECTS: setting } = loadConfig(sagaConfig, environment);
        return CallableSubjects.of(setting, config.DOWNBEAT_MODE);
      },
    },
    { provide: TargetCaller, useClass: Targets },
    {
      provide: DefinitionLibrary,
      inject: [EventStore],
      useFactory: (store: EventStore) => new DefinitionLibrary(store),
    },
    {
      provide: Egress,
      inject: [HostSettings, HostLifecycle],
      useFactory: ({ config }: HostSettings, lifecycle: HostLifecycle) => {
        const { DOWNBEAT_MODE: mode, DOWNBEAT_ALLOWED_CIDRS: allowedCidrs } = config;
        const egress = createEgress({ policy: egressPolicy({ mode, allowedCidrs }) });
        lifecycle.onClose('egress', () => egress.close());
        return egress;
      },
    },
    {
      provide: CrashPoints,
      inject: [HostSettings],
      useFactory: ({ config, environment }: HostSettings) => {
        const { DOWNBEAT_CRASH_AT: setting } = loadConfig(sagaConfig, environment);
        if (setting === undefined) return new NoCrashPoints();
        if (config.DOWNBEAT_MODE === 'development') return KillAtPoint.parse(setting);
        new Logger(CrashPoints.name).warn('DOWNBEAT_CRASH_AT is for development only: ignored');
        return new NoCrashPoints();
      },
    },
    {
      provide: Admission,
      inject: [HostSettings],
      useFactory: ({ environment }: HostSettings) =>
        new Admission({
          waitingPerTargetMax: loadConfig(sagaConfig, environment).SAGA_WAITING_CALLS_MAX,
          chance: Math.random,
          now: () => performance.now(),
        }),
    },
    {
      provide: RunEngine,
      inject: [
        EventStore,
        Leases,
        DefinitionLibrary,
        TargetCaller,
        DatabaseClock,
        CrashPoints,
        Admission,
        MessageBus,
        HostSettings,
        PausedDefinitions,
        RunMetrics,
      ],
      useFactory: (
        store: EventStore,
        leases: Leases,
        library: DefinitionLibrary,
        targets: TargetCaller,
        clock: DatabaseClock,
        crashPoints: CrashPoints,
        admission: Admission,
        bus: MessageBus,
        { environment }: HostSettings,
        paused: PausedDefinitions,
        metrics: RunMetrics,
      ) =>
        new RunEngine({
          openMax: loadConfig(sagaConfig, environment).SAGA_OPEN_RUNS_MAX,
          store,
          leases,
          library,
          targets,
          clock,
          crashPoints,
          admission,
          chance: Math.random,
          isPaused: (name) => paused.has(name),
          pause: (ms) => pause(ms, undefined, { ref: false }),
          onEnded: (correlationId, position) =>
            bus.hint(sagaContract.runEndedSubject(correlationId), { position }),
          onRecorded: ({ id }, events, state, traceparent) =>
            metrics.recorded(id, events, state, traceparent),
          onFault: (run, fault) => faults.met(run.id, fault),
          onIncident: (incident) => alarms.error(incident, 'an incident waits for a person'),
        }),
    },
    {
      provide: Replica,
      inject: [Leases, RunEngine, CrashPoints],
      useFactory: (leases: Leases, engine: RunEngine, crashPoints: CrashPoints) =>
        new Replica(leases, engine, crashPoints),
    },
  ],
})
export class SagaModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly replica: Replica,
    private readonly engine: RunEngine,
    private readonly operate: OperateWorkflow,
    private readonly runs: StartRuns,
    private readonly probes: Probes,
    private readonly metrics: HostMetrics,
    private readonly clock: DatabaseClock,
    private readonly directory: ServiceDirectory,
    private readonly durations: ExpectedDurations,
    private readonly incidents: OpenIncidents,
    private readonly counts: RunCounts,
    private readonly admission: Admission,
    private readonly library: DefinitionLibrary,
    private readonly targets: TargetWatch,
    private readonly breakers: BreakerReports,
    private readonly calls: CallReports,
    private readonly breakerSettings: BreakerSettingsWatch,
    private readonly schedules: ScheduleWatch,
    private readonly bulk: BulkWatch,
    private readonly retention: RetentionWatch,
    private readonly paused: PausedDefinitions,
    private readonly runsOfPaused: RunsOfPaused,
    private readonly bus: MessageBus,
    private readonly lifecycle: HostLifecycle,
  ) {}

  /** Runs are resumed only when their services can be found: a call to nobody is a failed call. */
  async onApplicationBootstrap(): Promise<void> {
    await this.clock.start();
    this.lifecycle.onStop('database clock', () => this.clock.stop());
    await this.directory.start();
    this.lifecycle.onStop('service directory', () => this.directory.stop());
    this.durations.start();
    this.lifecycle.onStop('durations', () => this.durations.stop());
    forgetWhenHinted(this.bus, this.library);
    this.incidents.start();
    this.lifecycle.onStop('open incidents', () => this.incidents.stop());
    showEngine(this.replica, this.incidents, this.probes, this.metrics.registry, this.bus);
    this.counts.start();
    this.lifecycle.onStop('counts of runs', () => this.counts.stop());
    showBreakers(this.admission.breakers, this.metrics.registry);
    this.operate.serve(this.replica.process);
    this.runs.serve(this.replica.process);
    this.paused.start();
    this.lifecycle.onStop('paused definitions', () => this.paused.stop());
    this.targets.start(this.replica.process, () => this.engine.roomForNew);
    this.lifecycle.onStop('target watch', () => this.targets.stop());
    this.breakerSettings.start();
    this.lifecycle.onStop('breaker settings', () => this.breakerSettings.stop());
    this.breakers.start(this.replica.process);
    this.lifecycle.onStop('breaker reports', () => this.breakers.stop());
    this.calls.start(this.replica.process);
    this.lifecycle.onStop('reports of calls', () => this.calls.stop());
    await this.replica.start();
    this.lifecycle.onStop('saga engine', () => this.replica.stop());
    this.schedules.start();
    this.lifecycle.onStop('schedules', () => this.schedules.stop());
    this.bulk.start();
    this.lifecycle.onStop('bulk operations', () => this.bulk.stop());
    this.retention.start();
    this.lifecycle.onStop('retention', () => this.retention.stop());
    this.runsOfPaused.start();
    this.lifecycle.onStop('runs of paused definitions', () => this.runsOfPaused.stop());
    await this.runtime.start();
  }
}
