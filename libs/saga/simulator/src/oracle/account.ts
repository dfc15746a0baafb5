import type { CompensationStrategy, CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import { branchesAround, isWithin, nameAt } from './places';

/** What is wrong with a run's calls and undos by its events alone: an account of its own, which shares no code with the rules. */
export function accountOf(
  definition: CompiledDefinition,
  events: readonly RunEvent[],
): readonly string[] {
  const account = new Account(definition);
  for (const event of events) account.take(event);
  return account.wrongs;
}

const MAY_FOLLOW_AN_END: ReadonlySet<RunEvent['type']> = new Set([
  'CompensationRequested',
  'RunRetried',
  'ParentTold',
  'WorkflowArchived',
  'WorkflowRestored',
  'WorkflowPurged',
]);

class Account {
  readonly wrongs: string[] = [];
  /** Steps with an effect that stands, or may; oldest first. */
  private standing: string[] = [];
  private plan: readonly string[] = [];
  private strategy: CompensationStrategy = 'all';
  private defined: CompensationStrategy = 'all';
  private readonly doubtful = new Set<string>();
  private readonly ended = new Set<string>();
  private readonly attempts = new Map<string, number>();
  private readonly budgets = new Map<string, number>();
  private readonly due = new Map<string, string>();
  private readonly winners = new Map<string, string>();
  private ends = 0;
  private told = 0;
  private hasEnded = false;
  private hasBegun = false;
  private isUndoing = false;
  private operatorsMax: number | undefined;

  constructor(private readonly definition: CompiledDefinition) {}

  take(event: RunEvent): void {
    if (this.hasEnded && !MAY_FOLLOW_AN_END.has(event.type))
      this.wrong(`${event.type} follows its end`);
    switch (event.type) {
      case 'WorkflowStarted':
        if (this.hasBegun) this.wrong('it began twice');
        this.hasBegun = true;
        this.strategy = this.defined = event.data.compensation_strategy;
        break;
      case 'StepStarted':
      case 'StepRetried':
        if (this.isUndoing) this.wrong(`${event.data.step} is called while the run is undone`);
        if (this.ended.has(event.data.step)) this.wrong(`${event.data.step} is called again`);
        this.called('step', event);
        break;
      case 'UndoStarted':
      case 'UndoRetried':
        if (this.plan[0] !== event.data.step)
          this.wrong(`${event.data.step} is undone out of turn`);
        // One that was given up goes on counting, with a budget of its own.
        if (event.type === 'UndoStarted') this.budgets.delete(`undo ${event.data.step}`);
        this.called('undo', event);
        break;
      case 'StepAttemptFailed':
      case 'UndoAttemptFailed': {
        const { step, attempt, kind, status, reissued, outcome, retry_at } = event.data;
        const purpose = event.type === 'StepAttemptFailed' ? 'step' : 'undo';
        const isSure =
          !reissued &&
          (kind === 'refused' || (kind === 'answer' && status !== 502 && status !== 504));
        if (!isSure) this.doubtful.add(`${purpose} ${step}`);
        if ((outcome === 'failed') !== isSure)
          this.wrong(`${purpose} ${step} ${attempt} counts as ${outcome}`);
        if (this.attempts.get(`${purpose} ${step}`) !== attempt)
          this.wrong(`an answer to ${purpose} ${step} ${attempt}, which is not its newest call`);
        if (retry_at !== undefined) this.due.set(`${purpose} ${step}`, retry_at);
        break;
      }
      case 'StepCompleted':
        if (this.ended.has(event.data.step)) this.wrong(`${event.data.step} completed twice`);
        if (this.isUndoing) this.wrong(`${event.data.step} completed while the run is undone`);
        if (this.attempts.get(`step ${event.data.step}`) !== event.data.attempt)
          this.wrong(`${event.data.step} completed by a call that is not its newest`);
        this.ended.add(event.data.step);
        this.stands(event.data.step);
        break;
      case 'StepFailed': {
        const { step, outcome } = event.data;
        const expected = this.doubtful.has(`step ${step}`) ? 'unknown' : 'failed';
        if (outcome !== 'unusable' && outcome !== expected)
          this.wrong(`${step} ended as ${outcome} and must be ${expected}`);
        if (outcome !== 'failed') this.stands(step);
        break;
      }
      case 'DelayStarted':
        this.due.set(`delay ${event.data.step}`, event.data.until);
        break;
      case 'DelayElapsed': {
        const due = this.due.get(`delay ${event.data.step}`);
        if (due === undefined || event.data.at < due)
          this.wrong(`the delay ${event.data.step} is over too early`);
        break;
      }
      case 'WaitAbandoned':
        this.due.delete(`step ${event.data.step}`);
        this.due.delete(`delay ${event.data.step}`);
        break;
      case 'CompensationRequested':
        this.hasEnded = false;
        this.strategy = event.data.strategy;
        break;
      case 'CompensationStarted':
        this.planned(event.data.strategy, event.data.steps);
        break;
      case 'StepCompensated': {
        const { step } = event.data;
        if (this.plan[0] !== step) this.wrong(`${step} was undone out of turn`);
        this.plan = this.plan.slice(1);
        this.standing = this.standing.filter((other) => other !== step);
        this.attempts.delete(`undo ${step}`);
        break;
      }
      case 'RunRetried':
        this.hasEnded = false;
        if (event.data.timeout_at !== undefined) this.strategy = this.defined;
        this.operatorsMax = event.data.max_retries;
        this.budgets.clear();
        break;
      case 'WorkflowCompleted':
      case 'WorkflowFailed':
        this.end();
        if (this.isUndoing) this.wrong(`${event.type} while the run is undone`);
        if (event.type === 'WorkflowCompleted' && this.plan.length > 0)
          this.wrong(`${this.plan.join(', ')} was not undone`);
        break;
      case 'WorkflowCompensated': {
        this.end();
        this.isUndoing = false;
        if (this.plan.length > 0) this.wrong(`${this.plan.join(', ')} was not undone`);
        const standing = this.standing.filter((step) => this.isUndoable(step));
        if (standing.join() !== event.data.standing_steps.join())
          this.wrong(`${standing.join(', ')} stands, and is not said to`);
        break;
      }
      case 'CallHeld':
      case 'CallReleased': {
        const { purpose, step, attempt } = event.data;
        if (this.attempts.get(`${purpose} ${step}`) !== attempt)
          this.wrong(
            `${event.type} of ${purpose} ${step} ${attempt}, which is not its newest call`,
          );
        if (event.type === 'CallHeld' && event.data.reissued)
          this.doubtful.add(`${purpose} ${step}`);
        break;
      }
      case 'RaceWon':
        this.winners.set(event.data.step, event.data.branch);
        break;
      case 'RaceUndoStarted':
        this.racePlanned(event.data.step, event.data.steps);
        break;
      case 'ParallelCompleted': {
        const left = this.losersOf(event.data.step);
        if (left.length > 0) this.wrong(`${left.join(', ')} lost and stands`);
        break;
      }
      case 'ParentTold':
        if (event.data.ends <= this.told || event.data.ends > this.ends)
          this.wrong(`its parent was told of end ${event.data.ends} of ${this.ends}`);
        this.told = event.data.ends;
        break;
      case 'StepSkipped':
      case 'DecisionTaken':
      case 'ParallelStarted':
      case 'WorkflowArchived':
      case 'WorkflowRestored':
      case 'WorkflowPurged':
      case 'WorkflowTimedOut':
      case 'UndoParked':
      case 'IncidentOpened':
      case 'IncidentResolved':
      case 'WorkflowPaused':
      case 'WorkflowResumed':
      case 'MapStarted':
      case 'MapItemStarted':
      case 'MapItemCompleted':
      case 'MapItemFailed':
      case 'MapCompleted':
      case 'GroupFailed':
      case 'EventPublished':
      case 'SignalAwaited':
      case 'SignalReceived':
      case 'SignalTaken':
      case 'SignalMissed':
        break;
    }
  }

  private called(
    purpose: 'step' | 'undo',
    {
      type,
      data: { step, attempt, at },
    }: Extract<RunEvent, { type: 'StepStarted' | 'StepRetried' | 'UndoStarted' | 'UndoRetried' }>,
  ): void {
    const id = `${purpose} ${step}`;
    const before = this.attempts.get(id) ?? 0;
    if (attempt !== before + 1) this.wrong(`call ${attempt} of ${id} follows call ${before}`);
    this.attempts.set(id, attempt);
    const due = this.due.get(id);
    this.due.delete(id);
    if (due !== undefined && at < due && type.endsWith('Retried'))
      this.wrong(`call ${attempt} of ${id} is made too early`);
    const used = (this.budgets.get(id) ?? 0) + 1;
    this.budgets.set(id, used);
    const compiled = this.definition.steps.get(nameAt(step));
    const isCalled = compiled?.type === 'service_call' || compiled?.type === 'sub_workflow';
    const call = !isCalled ? undefined : purpose === 'step' ? compiled.call : compiled.undo;
    // An operator's budget is for what had failed; whatever comes new has its own.
    const max = Math.max(call?.retry.max_retries ?? 0, this.operatorsMax ?? 0);
    if (!call) this.wrong(`${id} cannot be called`);
    if (used > max + 1) this.wrong(`${used} calls of ${id}, and ${max + 1} are allowed`);
  }

  private planned(strategy: CompensationStrategy, steps: readonly string[]): void {
    this.isUndoing = true;
    this.plan = steps;
    const undoable = this.standing.filter((step) => this.isUndoable(step)).toReversed();
    if (strategy !== this.strategy) this.wrong(`it is undone by ${strategy}, not ${this.strategy}`);
    const isWhole = steps.join() === undoable.join();
    const isPart = undoable.filter((step) => steps.includes(step)).join() === steps.join();
    if (!isPart || (strategy === 'all' && !isWhole) || strategy === 'none')
      this.wrong(`the plan is ${steps.join(', ')}, and ${undoable.join(', ')} can be undone`);
  }

  /** What the losers of a race did and what is not undone, newest first. */
  private losersOf(race: string): readonly string[] {
    const winner = this.winners.get(race);
    if (winner === undefined) return [];
    return this.standing
      .filter((step) => {
        const around = branchesAround(this.definition, step);
        return isWithin(around, race) && !isWithin(around, race, winner) && this.isUndoable(step);
      })
      .toReversed();
  }

  private racePlanned(race: string, steps: readonly string[]): void {
    const losers = this.losersOf(race);
    if (steps.join() !== losers.join() || losers.length === 0)
      this.wrong(`${race} undoes ${steps.join(', ')}, and ${losers.join(', ')} have lost`);
    if (this.isUndoing) this.wrong(`${race} is undone while the run is`);
    if (this.plan.length > 0) this.wrong(`${race} is undone beside ${this.plan.join(', ')}`);
    this.plan = steps;
  }

  private end(): void {
    this.hasEnded = true;
    this.ends++;
  }

  private stands(step: string): void {
    this.standing = [...this.standing.filter((other) => other !== step), step];
  }

  private isUndoable(step: string): boolean {
    const compiled = this.definition.steps.get(nameAt(step));
    if (compiled?.type === 'sub_workflow') return true;
    return compiled?.type === 'service_call' && compiled.undo !== undefined;
  }

  private wrong(what: string): void {
    this.wrongs.push(what);
  }
}
