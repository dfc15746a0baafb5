import { instantOf, type EventMeta, type Json, type StreamName } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import {
  definitionControlStream,
  isStarted,
  type DefinitionControlCommand,
  type ArchiveWorkflow,
  type CompensateWorkflow,
  type MigrationRequest,
  type PauseWorkflow,
  type PurgeWorkflow,
  type ResolveIncident,
  type ResumeWorkflow,
  type RetryWorkflow,
  type RunEvent,
  type SignalWorkflow,
} from '@downbeat/saga-domain';
import { workflowIdOf } from '@downbeat/saga-service/testing';
import type { SimulatedProcess } from '../time/simulated-process';
import type { Run } from './run';
import type { Node } from './node';
import type { World } from './world';

/** A message that nobody has taken is delivered again after this time. */
const ACK_WAIT_MS = 6_000;
/** What is to be looked up for a command comes before the run is asked. */
const TOLD_BEFORE_PURGED: ReadonlySet<string> = new Set([
  'workflow-purged',
  'workflow-definition-unknown',
]);
/** Who was told that a definition is paused asks again, until it is not. */
const ASK_AGAIN_MS = 1_500;
const NEVER = instantOf(0);

/** One command, delivered until it is answered. */
interface Command {
  readonly id: string;
  /** Whom it is about, as it is told. */
  readonly about: string;
  readonly stream: StreamName;
  readonly handle: (node: Node, cause: Cause) => Promise<CommandOutcome>;
  /** Once it is accepted the log has a signal with this payload. */
  readonly payload?: Json | undefined;
  isAnswered: boolean;
  deliveries: number;
}

interface Cause {
  readonly meta: EventMeta;
  readonly commandId: string;
}

/** Those who start workflows, and operators: their commands come over a bus that delivers at least once. */
export class Clients {
  private commands = 0;
  private signals = 0;
  private unanswered = 0;

  constructor(
    private readonly world: World,
    private readonly serving: () => readonly Node[],
  ) {}

  get isWaiting(): boolean {
    return this.unanswered > 0;
  }

  /** The second time with another id: whoever asks does not know of the first. */
  start(run: Run): void {
    const { correlationId, definition, startData } = run;
    const data = {
      workflow_name: definition.definition.name,
      correlation_id: correlationId,
      initiating_service: 'shop',
      context_data: startData,
    };
    this.insist(run, (node, cause) =>
      node.start.execute({ data, at: NEVER, cause } as Parameters<typeof node.start.execute>[0]),
    );
  }

  compensate(run: Run, more: Partial<CompensateWorkflow['data']>): void {
    const data = { workflow_id: workflowIdOf(run.correlationId), reason: 'asked for', ...more };
    const command = { type: 'CompensateWorkflow', data, at: NEVER } as CompensateWorkflow;
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
  }

  retry(run: Run, more: Partial<RetryWorkflow['data']> = {}): void {
    const data = {
      workflow_id: workflowIdOf(run.correlationId),
      retry_strategy: 'failed_steps',
      ...more,
    };
    const command = { type: 'RetryWorkflow', data, at: NEVER } as RetryWorkflow;
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
  }

  /** As retention does it, and operators, to any run: one that has not ended refuses. */
  archive(run: Run): void {
    const data = { workflow_id: workflowIdOf(run.correlationId) };
    const command: ArchiveWorkflow = { type: 'ArchiveWorkflow', data, at: NEVER };
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
  }

  /** As retention does it: one that is not in the archive refuses. */
  purge(run: Run): void {
    const data = { workflow_id: workflowIdOf(run.correlationId) };
    const command: PurgeWorkflow = { type: 'PurgeWorkflow', data, at: NEVER };
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
  }

  migrate(run: Run, to_version: string): void {
    const workflow_id = workflowIdOf(run.correlationId);
    const data = { workflow_id, to_version, reason: 'it was wrong' };
    const command: MigrationRequest = { type: 'MigrateWorkflow', data, at: NEVER };
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
  }

  pause(run: Run): void {
    const data = { workflow_id: workflowIdOf(run.correlationId), reason: 'for a while' };
    const command: PauseWorkflow = { type: 'PauseWorkflow', data, at: NEVER };
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
  }

  resume(run: Run): void {
    const data = { workflow_id: workflowIdOf(run.correlationId) };
    const command: ResumeWorkflow = { type: 'ResumeWorkflow', data, at: NEVER };
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
  }

  resolve(run: Run, data: ResolveIncident['data']): void {
    const command: ResolveIncident = { type: 'ResolveIncident', data, at: NEVER };
    const { incident_id: incident, action } = data;
    const id = this.insist(run, (node, cause) => node.operate.carryOut(command, cause));
    this.world.books.resolutions.set(id, { incident, action });
  }

  /** Anybody may send one, to any run, whether it waits, has ended or was never heard of. */
  signal(run: Run, signal: string, isUsable: boolean): void {
    const sent = ++this.signals;
    const payload = isUsable ? { id: sent, sent } : { sent };
    this.world.books.sendSignal(run.correlationId, signal, payload);
    const data = { workflow_id: workflowIdOf(run.correlationId), signal, payload };
    const command: SignalWorkflow = { type: 'SignalWorkflow', data, at: NEVER };
    this.insist(run, (node, cause) => node.operate.carryOut(command, cause), payload);
  }

  /** No run of a workflow is to begin; with `pause` those under way are to be paused as well. */
  pauseDefinition(workflow_name: string, runs: 'leave' | 'pause'): void {
    const data = { workflow_name, reason: 'it is wrong', runs };
    this.control(workflow_name, { type: 'PauseDefinition', data, at: this.now });
  }

  resumeDefinition(workflow_name: string): void {
    this.control(workflow_name, {
      type: 'ResumeDefinition',
      data: { workflow_name },
      at: this.now,
    });
  }

  private get now() {
    return instantOf(this.world.time.now);
  }

  private control(workflowName: string, command: DefinitionControlCommand): void {
    this.send(workflowName, definitionControlStream(workflowName), (node, cause) =>
      node.control.carryOut(command, cause),
    );
  }

  private insist(run: Run, handle: Command['handle'], payload?: Json): string {
    const { correlationId } = run;
    return this.send(correlationId, this.world.streamOf(correlationId), handle, payload);
  }

  private send(
    about: string,
    stream: StreamName,
    handle: Command['handle'],
    payload?: Json,
  ): string {
    const id = `command-${++this.commands}`;
    const command = { id, about, stream, handle, payload, isAnswered: false, deliveries: 0 };
    this.unanswered++;
    this.deliver(command);
    if (this.world.weather.strikes('command-repeated')) this.deliver(command);
    return id;
  }

  private deliver(command: Command): void {
    if (command.isAnswered) return;
    const { world } = this;
    const delivery = ++command.deliveries;
    // Of several deliveries of one message the newest is the one that is waited for.
    const again = (ms: number) =>
      world.time.after(ms, undefined, () => {
        if (command.deliveries === delivery) this.deliver(command);
      });
    const node = world.chance.pick(this.serving());
    if (!node) return void again(500);
    const redelivery = again(ACK_WAIT_MS);
    world.time.after(world.network.latency(), node.process, () => {
      world.say(node.process.name, `is given ${command.id} for ${command.about}`);
      const wasPurged = this.isPurged(command.stream);
      const meta = { correlation_id: command.id, causation_id: command.id, actor: 'shop' };
      command.handle(node, { commandId: command.id, meta }).then(
        (outcome) => {
          if (!node.isAlive) return;
          if (wasPurged) this.judgePurged(node.process, command, outcome);
          this.judge(command, outcome);
          if (world.weather.strikes('command-answer-lost')) return;
          world.time.after(world.network.latency(), undefined, () => {
            redelivery.cancel();
            if (command.isAnswered) return;
            const laterMs = turnedAwayMs(outcome);
            if (laterMs !== undefined) return void again(laterMs);
            command.isAnswered = true;
            this.unanswered--;
          });
        },
        (fault: unknown) => {
          if (!node.isAlive) return;
          world.say(node.process.name, `failed ${command.id}: ${String(fault)}`);
          redelivery.cancel();
          again(300 + world.chance.below(500));
        },
      );
    });
  }

  private isPurged(stream: StreamName): boolean {
    const state = this.world.stateOf(stream);
    return isStarted(state) && state.purgedAt !== undefined;
  }

  /** Of a run that was purged before, nothing is changed; who asks for something is told so. */
  private judgePurged(
    by: SimulatedProcess,
    { id, stream }: Command,
    outcome: CommandOutcome,
  ): void {
    // Who has the run in hand may refuse by what it read before.
    if (!outcome.accepted && !this.world.hasReadPurge(by, stream)) return;
    const isTold = outcome.accepted
      ? outcome.repeated
      : TOLD_BEFORE_PURGED.has(outcome.problem.code) || turnedAwayMs(outcome) !== undefined;
    if (!isTold) this.world.accuse(`${id} came to a purged run, and was answered as any other`);
  }

  /** What was accepted is in the log by then. */
  private judge({ id, stream, payload }: Command, outcome: CommandOutcome): void {
    const { world } = this;
    const said = outcome.accepted ? 'accepted' : `refused: ${outcome.problem.code}`;
    world.say('', `${id} was ${said}`);
    world.options.coverage.met('command', outcome.accepted ? 'accepted' : outcome.problem.code);
    if (!outcome.accepted) return;
    const events = (world.log.streams.get(stream) ?? []) as unknown as readonly RunEvent[];
    if (events.length === 0) world.accuse(`${id} was accepted, and the log has nothing of it`);
    const isReceived = ({ type, data }: RunEvent): boolean =>
      type === 'SignalReceived' && JSON.stringify(data.payload) === JSON.stringify(payload);
    if (payload !== undefined && !events.some(isReceived))
      world.accuse(`${id} was accepted, and the log does not have its signal`);
    // Asking for what holds already is no change of a definition, and an answer of its own.
    if (outcome.repeated || stream.startsWith('definition-control-')) return;
    const metas = events as unknown as readonly { readonly meta: EventMeta }[];
    if (!metas.some(({ meta }) => meta.causation_id === id))
      world.accuse(`${id} was accepted, and the log has no event of it`);
  }
}

/** When whoever was turned away asks again; undefined: it is an answer. */
function turnedAwayMs(outcome: CommandOutcome): number | undefined {
  if (!outcome.accepted && outcome.problem.code === 'definition-paused') return ASK_AGAIN_MS;
  const seconds = outcome.accepted ? undefined : outcome.problem.retry_after_seconds;
  return seconds === undefined ? undefined : seconds * 1_000;
}
