import type { Json, JsonObject } from '@downbeat/eventsourcing';
import type { CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import { FailuresAccount } from './failures-account';
import type { History } from './history';
import { branchesAround, isWithin, nameAt, type Branch } from './places';

/**
 * What is wrong with a run's branches, items, races and failures by its events alone: what begins where,
 * what is waited for, and what a failure leads to.
 */
export function groupsAccountOf(history: History): readonly string[] {
  const groups = new GroupsAccount(history);
  const failures = new FailuresAccount(history, (address) => groups.isStopped(address));
  for (const event of history.events) {
    failures.take(event);
    groups.take(event);
  }
  return [...groups.wrongs, ...failures.wrongs];
}

interface Items {
  readonly items: readonly Json[];
  readonly results: Map<number, JsonObject>;
  readonly open: Set<number>;
  begun: number;
}

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
type Within = { readonly step: string; readonly branch: string } | undefined;

class GroupsAccount {
  readonly wrongs: string[] = [];
  /** Steps that are called or waited for. */
  private readonly busy = new Set<string>();
  private readonly maps = new Map<string, Items>();
  private readonly winners = new Map<string, string>();
  /** Branches in which something failed: `group/branch`. */
  private readonly failed = new Set<string>();
  private readonly done = new Set<string>();
  private isHalted = false;

  private definition: CompiledDefinition;

  constructor(private readonly history: History) {
    this.definition = history.first;
  }

  take(event: RunEvent): void {
    switch (event.type) {
      case 'StepStarted':
      case 'StepRetried':
      case 'DelayStarted':
      case 'SignalAwaited':
        this.begins(event);
        this.busy.add(event.data.step);
        break;
      case 'ParallelStarted':
        this.begins(event);
        break;
      case 'DecisionTaken':
      case 'StepSkipped':
      case 'EventPublished':
        this.begins(event);
        this.once(event);
        break;
      case 'MapStarted':
        this.begins(event);
        this.mapBegins(event.data);
        break;
      case 'MapItemStarted':
        this.begins(event);
        this.itemBegins(event.data);
        break;
      case 'StepCompleted':
      case 'DelayElapsed':
      case 'SignalTaken':
        this.busy.delete(event.data.step);
        break;
      case 'SignalMissed':
        if (event.data.default !== undefined) this.busy.delete(event.data.step);
        break;
      case 'StepFailed':
        this.busy.delete(event.data.step);
        if (!event.data.optional && !event.data.caught)
          this.fails(event.data.step, this.around(event.data.step), event.data.within);
        break;
      case 'MapItemCompleted':
      case 'MapItemFailed':
        this.itemEnds(event);
        break;
      case 'WaitAbandoned':
        this.abandoned(event.data);
        break;
      case 'RaceWon':
        this.won(event.data);
        break;
      case 'ParallelCompleted':
        this.over(event);
        break;
      case 'MapCompleted':
        this.over(event);
        this.mapEnds(event.data);
        break;
      case 'GroupFailed': {
        const { step, within } = event.data;
        this.quiet(event);
        if (![...this.failed].some((branch) => branch.startsWith(`${step}/`)))
          this.wrong(`${step} failed, and nothing in it did`);
        this.fails(step, this.around(step), within);
        break;
      }
      case 'WorkflowTimedOut':
      case 'CompensationRequested':
        this.isHalted = true;
        break;
      case 'RunRetried':
        if (event.data.timeout_at === undefined) break;
        this.isHalted = false;
        this.failed.clear();
        break;
      case 'WorkflowCompleted':
      case 'WorkflowFailed':
      case 'CompensationStarted':
        if (this.busy.size > 0) this.wrong(`${event.type} beside ${[...this.busy].join(', ')}`);
        if (this.isHalted !== (event.type !== 'WorkflowCompleted'))
          this.wrong(`${event.type} of a run that ${this.isHalted ? 'has' : 'has not'} failed`);
        break;
      case 'WorkflowMigrated':
        this.definition = this.history.behind(event, this.definition);
        break;
      case 'WorkflowStarted':
      case 'StepAttemptFailed':
      case 'CallHeld':
      case 'CallReleased':
      case 'RaceUndoStarted':
      case 'SignalReceived':
      case 'UndoStarted':
      case 'UndoRetried':
      case 'UndoAttemptFailed':
      case 'StepCompensated':
      case 'UndoParked':
      case 'IncidentOpened':
      case 'IncidentResolved':
      case 'WorkflowPaused':
      case 'WorkflowResumed':
      case 'ParentTold':
      case 'WorkflowCompensated':
      case 'WorkflowArchived':
      case 'WorkflowRestored':
      case 'WorkflowPurged':
        break;
    }
  }

  private around(address: string): readonly Branch[] {
    return branchesAround(this.definition, address);
  }

  /** Nothing may begin at an address; without one, anywhere. */
  isStopped(address?: string): boolean {
    if (this.isHalted || address === undefined) return this.isHalted;
    return this.around(address).some(({ group, branch }) => {
      const winner = this.winners.get(group);
      const isLost = winner !== undefined && winner !== branch && !this.done.has(group);
      return isLost || this.failed.has(`${group}/${branch}`);
    });
  }

  private begins({ type, data: { step } }: { type: string; data: { step: string } }): void {
    if (this.isStopped(step)) this.wrong(`${type} of ${step}, where nothing may begin any more`);
    if (this.around(step).some(({ group }) => this.done.has(group)))
      this.wrong(`${type} of ${step}, and what it stands in is done`);
  }

  private once({ type, data: { step } }: { type: string; data: { step: string } }): void {
    if (this.done.has(step)) this.wrong(`${type} of ${step} for the second time`);
    this.done.add(step);
  }

  /** A failure stays in the innermost branch that holds it, or ends the run. */
  private fails(what: string, around: readonly Branch[], within: Within): void {
    const holds = around.find(({ join }) => join !== 'all');
    if (holds?.group !== within?.step || holds?.branch !== within?.branch)
      this.wrong(`the failure of ${what} stays in ${JSON.stringify(within)}`);
    if (!holds) this.isHalted = true;
    else {
      this.failed.add(`${holds.group}/${holds.branch}`);
      this.maps.get(holds.group)?.open.delete(Number(holds.branch));
    }
  }

  private mapBegins({ step, items }: EventOf<'MapStarted'>['data']): void {
    const map = this.definition.steps.get(step.split('#')[0] ?? '');
    if (map?.type !== 'map' || items.length > map.itemsMax)
      this.wrong(`${step} has ${items.length} items, which is too many`);
    if (this.maps.has(step)) this.wrong(`${step} has its items for the second time`);
    this.maps.set(step, { items, results: new Map(), open: new Set(), begun: 0 });
  }

  private itemBegins({ step, index, context }: EventOf<'MapItemStarted'>['data']): void {
    const map = this.definition.steps.get(nameAt(step));
    const state = this.maps.get(step);
    if (map?.type !== 'map' || !state) return this.wrong(`an item of ${step}, which has none`);
    if (state.results.has(index) || state.open.has(index) || index > state.begun)
      this.wrong(`${step}#${index} begins out of turn`);
    if (JSON.stringify(context) !== JSON.stringify({ [map.as]: state.items[index] ?? null }))
      this.wrong(`${step}#${index} is given another item`);
    state.open.add(index);
    state.begun = Math.max(state.begun, index + 1);
    if (state.open.size > map.concurrency)
      this.wrong(`${state.open.size} items of ${step} at once, ${map.concurrency} are allowed`);
  }

  private itemEnds(event: EventOf<'MapItemCompleted' | 'MapItemFailed'>): void {
    const { step, index } = event.data;
    const state = this.maps.get(step);
    if (!state?.open.has(index)) this.wrong(`${event.type} of ${step}#${index}, which is not open`);
    const isBusy = [...this.busy].some((address) =>
      isWithin(this.around(address), step, String(index)),
    );
    if (isBusy) this.wrong(`${event.type} of ${step}#${index}, which is under way`);
    if (event.type === 'MapItemFailed') {
      const map = this.definition.steps.get(nameAt(step));
      const join = map?.type === 'map' ? map.join : 'all';
      const inner: Branch = { group: step, branch: String(index), join };
      return this.fails(`${step}#${index}`, [inner, ...this.around(step)], event.data.within);
    }
    state?.open.delete(index);
    state?.results.set(index, event.data.result);
  }

  private mapEnds({ step, context }: EventOf<'MapCompleted'>['data']): void {
    const state = this.maps.get(step);
    if (!state) return;
    const { items, results } = state;
    if (results.size !== items.length)
      this.wrong(`${step} is done with ${results.size} of ${items.length} items`);
    for (const [key, list] of Object.entries(context)) {
      const inOrder = items.map((_, index) => results.get(index)?.[key] ?? null);
      if (JSON.stringify(list) !== JSON.stringify(inOrder))
        this.wrong(`${key} of ${step} is not what its items gave, in their order`);
    }
  }

  private abandoned({ step, timer_id }: EventOf<'WaitAbandoned'>['data']): void {
    const isUndo = timer_id.startsWith('undo:');
    if (isUndo ? !this.isHalted : !this.isStopped(step))
      this.wrong(`${timer_id} is given up, and nothing has failed around it`);
    // Of a call its end follows.
    if (timer_id.startsWith('delay:') || timer_id.startsWith('signal:')) this.busy.delete(step);
  }

  private won({ step, branch }: EventOf<'RaceWon'>['data']): void {
    if (this.winners.has(step)) this.wrong(`${step} is won for the second time`);
    if (this.failed.has(`${step}/${branch}`)) this.wrong(`${branch} won ${step}, and has failed`);
    const isBusy = [...this.busy].some((address) => isWithin(this.around(address), step, branch));
    if (isBusy) this.wrong(`${branch} won ${step}, and is under way`);
    this.winners.set(step, branch);
  }

  private over(event: EventOf<'ParallelCompleted' | 'MapCompleted'>): void {
    const { step } = event.data;
    this.quiet(event);
    this.once(event);
    const group = this.definition.steps.get(nameAt(step));
    const isRace = group?.type === 'parallel' && group.join === 'race';
    if (isRace !== this.winners.has(step)) this.wrong(`${step} is done, and nobody has won`);
    const hasFailed = [...this.failed].some((branch) => branch.startsWith(`${step}/`));
    if (!isRace && hasFailed) this.wrong(`${step} is done, and something in it has failed`);
    if (this.isStopped(step)) this.wrong(`${step} is done, where nothing may go on`);
  }

  /** Nothing in it is under way. */
  private quiet({ type, data: { step } }: { type: string; data: { step: string } }): void {
    const inside = [...this.busy].filter((address) => isWithin(this.around(address), step));
    if (inside.length > 0) this.wrong(`${type} of ${step} beside ${inside.join(', ')}`);
  }

  private wrong(what: string): void {
    this.wrongs.push(what);
  }
}
