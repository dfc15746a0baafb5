import type { CompiledDefinition, CompiledStep, RunEvent } from '@downbeat/saga-domain';
import { flowAccountOf } from './flow-account';
import type { History } from './history';
import { isUndoable, nameAt } from './places';

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
type Migrated = EventOf<'WorkflowMigrated'>['data'];

/**
 * What is wrong with a run's migrations by its events alone: it could have come so far by the other
 * version, what it did can be undone by it, and what is or may be under way stays the request it is.
 */
export function migrationsAccountOf(
  history: History,
  checksumOf: (version: string) => string,
): readonly string[] {
  const account = new MigrationsAccount(history, checksumOf);
  for (const event of history.events) account.take(event);
  return account.wrongs;
}

/** The calls of a step, or those that undo it. */
interface Calls {
  readonly isOpen: boolean;
  /** Some call of it may have had its effect. */
  readonly isDoubtful: boolean;
  /** It is done, or its failure was passed over: nobody asks for it again. */
  readonly isOver: boolean;
}

const CALLED: Calls = { isOpen: true, isDoubtful: false, isOver: false };

class MigrationsAccount {
  readonly wrongs: string[] = [];
  private readonly past: RunEvent[] = [];
  private readonly calls = new Map<string, Calls>();
  private readonly waits = new Map<string, string>();
  private readonly effects = new Set<string>();
  private readonly types = new Map<string, CompiledStep['type']>();
  private definition: CompiledDefinition;
  private isUndoing = false;
  private isHalted = false;
  private isOver = false;

  constructor(
    private readonly history: History,
    private readonly checksumOf: (version: string) => string,
  ) {
    this.definition = history.first;
  }

  take(event: RunEvent): void {
    const { type, data } = event;
    if (type === 'WorkflowMigrated')
      this.migrated(data, this.history.behind(event, this.definition));
    this.past.push(event);
    this.note(event);
    this.noteCalls(event);
    this.definition = this.history.behind(event, this.definition);
    if (!('step' in data) || data.step === undefined) return;
    const step = this.definition.steps.get(nameAt(data.step));
    if (step) this.types.set(data.step, step.type);
  }

  private note({ type, data }: RunEvent): void {
    if (type === 'CompensationStarted') this.isUndoing = true;
    if (type === 'WorkflowCompleted' || type === 'WorkflowCompensated') this.isOver = true;
    if (type === 'WorkflowTimedOut') this.isHalted = true;
    if (type === 'CompensationRequested') [this.isHalted, this.isOver] = [true, false];
    if (type === 'WorkflowFailed' || type === 'CompensationStarted') this.isHalted = false;
    if (type === 'GroupFailed' || type === 'MapItemFailed') this.isHalted ||= !data.within;
    if (type === 'StepFailed') this.isHalted ||= !data.within && !data.optional && !data.caught;
    if (type === 'SignalAwaited') this.waits.set(data.step, data.signal);
    if (type === 'SignalTaken' || type === 'WaitAbandoned') this.waits.delete(data.step);
    if (type === 'SignalMissed') this.waits.delete(data.step);
    if (type === 'StepCompleted') this.effects.add(data.step);
    if (type === 'StepFailed' && (data.outcome !== 'failed' || data.undo))
      this.effects.add(data.step);
    const isByHand = type === 'IncidentResolved' && data.action === 'done_by_hand';
    if (type === 'StepCompensated' || isByHand) this.effects.delete(data.step);
  }

  private noteCalls({ type, data }: RunEvent): void {
    const set = (id: string, more: Partial<Calls>): void =>
      void this.calls.set(id, { ...(this.calls.get(id) ?? CALLED), ...more });
    if (type === 'StepStarted' || type === 'StepRetried')
      set(`step ${data.step}`, { isOpen: true, isOver: false });
    if (type === 'UndoStarted' || type === 'UndoRetried')
      set(`undo ${data.step}`, { isOpen: true, isOver: false });
    if (type === 'CallHeld' && data.reissued)
      set(`${data.purpose} ${data.step}`, { isDoubtful: true });
    if (type === 'StepAttemptFailed' || type === 'UndoAttemptFailed') {
      const purpose = type === 'StepAttemptFailed' ? 'step' : 'undo';
      const isDoubtful = data.outcome === 'unknown' ? { isDoubtful: true } : {};
      // An undo that waits for its next call stays what it is; one that waits for a person need not.
      const isOpen = purpose === 'undo' && data.retry_at !== undefined;
      set(`${purpose} ${data.step}`, { isOpen, ...isDoubtful });
    }
    // A person has gone on behind what failed.
    const isPassedOver = type === 'StepSkipped' && this.calls.has(`step ${data.step}`);
    if (type === 'StepCompleted' || isPassedOver)
      set(`step ${data.step}`, { isOpen: false, isOver: true });
    if (type === 'StepFailed') {
      const isOver = data.optional || data.caught !== undefined;
      const isDoubtful = data.outcome === 'unusable' ? { isDoubtful: true } : {};
      if (this.calls.has(`step ${data.step}`))
        set(`step ${data.step}`, { isOpen: false, isOver, ...isDoubtful });
    }
    if (type === 'WaitAbandoned' && this.calls.has(`undo ${data.step}`))
      set(`undo ${data.step}`, { isOpen: false });
    const isByHand = type === 'IncidentResolved' && data.action === 'done_by_hand';
    if (type === 'StepCompensated' || isByHand) this.calls.delete(`undo ${data.step}`);
  }

  private migrated(data: Migrated, to: CompiledDefinition): void {
    const { definition: from } = this;
    const wrong = (what: string): void =>
      void this.wrongs.push(`it goes by ${data.to_version}, and ${what}`);
    if (data.from_version !== from.version) wrong(`not from ${data.from_version}`);
    if (to.version !== data.to_version || from.version === data.to_version)
      wrong('that is no other version of it');
    if (data.checksum !== this.checksumOf(data.to_version)) wrong('its checksum is another one');
    if (data.total_steps !== to.steps.size || data.compensation_strategy !== to.strategy)
      wrong('it is said to be otherwise');
    if (this.isOver || (this.isHalted && !this.isUndoing)) wrong('it has ended, or is about to');
    // A run that is undone goes no further way.
    if (!this.isUndoing)
      for (const fault of flowAccountOf(byOne(to), this.past)) wrong(`by that ${fault}`);
    for (const [address, type] of this.types)
      if (to.steps.get(nameAt(address))?.type !== type) wrong(`${address} is no ${type} any more`);
    for (const [step, signal] of this.waits) {
      const wait = to.steps.get(nameAt(step));
      if (wait?.type !== 'wait_for_signal' || wait.signal !== signal)
        wrong(`${step} waits for ${signal}`);
    }
    for (const step of this.effects)
      if (isUndoable(from, step) && !isUndoable(to, step))
        wrong(`${step} cannot be undone any more`);
    for (const [id, calls] of this.calls) this.requested(id, calls, to, data, wrong);
  }

  private requested(
    id: string,
    { isOpen, isDoubtful, isOver }: Calls,
    to: CompiledDefinition,
    { anew = [], undo_anew = [] }: Migrated,
    wrong: (what: string) => void,
  ): void {
    const [purpose = '', address = ''] = id.split(' ');
    const isAnew = (purpose === 'step' ? anew : undo_anew).includes(address);
    const isSame = targetOf(this.definition, id) === targetOf(to, id);
    if (isOver) return;
    if (isOpen || isDoubtful) {
      if (!isSame) wrong(`${id} is called already, elsewhere`);
      if (isAnew) wrong(`${id} may have happened, and is to be another request`);
    } else if (!isSame && !isAnew) wrong(`${id} is called elsewhere, as the same request`);
  }
}

/** As if it had gone by one definition all along. */
const byOne = (definition: CompiledDefinition): History => ({
  events: [],
  first: definition,
  last: definition,
  behind: (_, before) => before,
});

/** Where a step is called, or undone; of one that another run stands for, which workflow. */
function targetOf({ steps }: CompiledDefinition, id: string): string {
  const [purpose = '', address = ''] = id.split(' ');
  const step = steps.get(nameAt(address));
  if (step?.type === 'sub_workflow') return step.workflowName;
  if (step?.type !== 'service_call') return 'nowhere';
  const call = purpose === 'step' ? step.call : step.undo;
  return call ? `${call.method} ${call.service_name}${call.endpoint}` : 'nowhere';
}
