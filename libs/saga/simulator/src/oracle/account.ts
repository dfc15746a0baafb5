import type { CompensationStrategy, RunEvent } from '@downbeat/saga-domain';
import type { CompiledDefinition } from '@downbeat/saga-domain';

/** What a step's or an undo's calls came to, by their events alone. */
export interface CallsAccount {
  /** Calls since an operator has given a new budget, or since the first. */
  budgetUsed: number;
  budgetMax: number;
  isDoubtful: boolean;
}

/** What is wrong with a run by its events alone: an account of its own, which shares no code with the rules. */
export function accountOf(
  definition: CompiledDefinition,
  events: readonly RunEvent[],
): readonly string[] {
  const account = new Account(definition);
  for (const event of events) account.take(event);
  return account.wrongs;
}

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
  private hasEnded = false;
  private hasBegun = false;
  private isUndoing = false;
  private operatorsMax: number | undefined;

  constructor(private readonly definition: CompiledDefinition) {}

  take(event: RunEvent): void {
    if (this.hasEnded && event.type !== 'CompensationRequested' && event.type !== 'RunRetried')
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
        this.hasEnded = true;
        if (this.isUndoing) this.wrong(`${event.type} while the run is undone`);
        break;
      case 'WorkflowCompensated': {
        this.hasEnded = true;
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
      case 'StepSkipped':
      case 'DecisionTaken':
      case 'ParallelStarted':
      case 'ParallelCompleted':
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
      case 'RaceWon':
      case 'RaceUndoStarted':
      case 'GroupFailed':
      case 'EventPublished':
      case 'SignalAwaited':
      case 'SignalReceived':
      case 'SignalTaken':
      case 'SignalMissed':
      case 'ParentTold':
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
    const compiled = this.definition.steps.get(step);
    const call =
      compiled?.type !== 'service_call'
        ? undefined
        : purpose === 'step'
          ? compiled.call
          : compiled.undo;
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

  private stands(step: string): void {
    this.standing = [...this.standing.filter((other) => other !== step), step];
  }

  private isUndoable(step: string): boolean {
    const compiled = this.definition.steps.get(step);
    return compiled?.type === 'service_call' && compiled.undo !== undefined;
  }

  private wrong(what: string): void {
    this.wrongs.push(what);
  }
}
