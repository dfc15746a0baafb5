import { epochMs } from '@downbeat/eventsourcing';
import type { CompiledDefinition, RetryRule, RunEvent } from '@downbeat/saga-domain';
import type { History } from './history';
import { nameAt } from './places';

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
type Failed = EventOf<'StepAttemptFailed' | 'UndoAttemptFailed'>['data'];
type Schedule = Omit<RetryRule, 'match'>;

/** What a step or an undo may still do, since its present budget of retries began. */
interface Budget {
  /** Failures by the rule that governs them; -1: by none of them. */
  readonly failures: Map<number, number>;
  /** An operator's, in place of the defined ones. */
  readonly max: number | undefined;
}

const NO_RULE = -1;
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429]);
/** That a time was rounded. */
const ROUNDED_MS = 1;

/**
 * What is wrong with a run's failures by its events alone: the rule that governs each, the budget and the
 * delay it gives, and where the run goes on when one is caught.
 */
export class FailuresAccount {
  readonly wrongs: string[] = [];
  private readonly budgets = new Map<string, Budget>();
  private readonly waiting = new Set<string>();
  private readonly givenUp = new Set<string>();
  private readonly last = new Map<string, Failed>();
  private operatorsMax: number | undefined;
  private readonly childrenFailed = new Set<string>();
  private isUndoing = false;
  private definition: CompiledDefinition;

  /** @param isStopped Whether nothing may go on at an address; without one, in the whole run. */
  constructor(
    private readonly history: History,
    private readonly isStopped: (address?: string) => boolean,
  ) {
    this.definition = history.first;
  }

  take(event: RunEvent): void {
    const { type, data } = event;
    if (type === 'CompensationStarted') this.isUndoing = true;
    if (type === 'WorkflowCompensated') this.isUndoing = false;
    const isRetry = type === 'IncidentResolved' && data.action === 'retry';
    if (type === 'RunRetried' || isRetry) this.operatorsMax = data.max_retries;
    if (type === 'WorkflowMigrated') this.migrated(this.history.behind(event, this.definition));
    if (type === 'StepStarted' || type === 'StepRetried') this.called(event, `step ${data.step}`);
    if (type === 'UndoStarted' || type === 'UndoRetried') this.called(event, `undo ${data.step}`);
    if (type === 'StepAttemptFailed') this.failed(`step ${data.step}`, data);
    if (type === 'UndoAttemptFailed') this.failed(`undo ${data.step}`, data);
    if (type === 'StepFailed') this.ended(data);
  }

  /** Another policy grants retries now; the call under way, or the last one, is its first. */
  private migrated(to: CompiledDefinition): void {
    this.definition = to;
    for (const [id, { failures }] of this.budgets) {
      failures.clear();
      if (this.waiting.has(id)) failures.set(NO_RULE, 1);
    }
  }

  private called({ type, data }: RunEvent, id: string): void {
    // An undo that a migration has made another request is begun once more, and is no first one.
    const isAnew = type === 'UndoStarted' && data.edition === data.attempt;
    const isFirst = type.endsWith('Started') && !isAnew;
    if (isFirst || !this.waiting.has(id))
      this.budgets.set(id, {
        failures: new Map(),
        max: isFirst ? undefined : this.operatorsMax,
      });
    this.waiting.delete(id);
    this.last.delete(id);
    this.childrenFailed.delete(id);
  }

  private failed(id: string, failed: Failed): void {
    const step = this.definition.steps.get(nameAt(failed.step));
    if (step?.type === 'sub_workflow') this.childrenFailed.add(id);
    if (step?.type !== 'service_call') return;
    const call = id.startsWith('step') ? step.call : step.undo;
    const budget = this.budgets.get(id);
    if (!call || !budget) return this.wrong(`${id} failed, and was not called`);
    const index = call.rules.findIndex(({ match }) => match.some((one) => isOf(failed, one)));
    const rule: Schedule = call.rules[index] ?? call.retry;
    if ((failed.rule ?? NO_RULE) !== index)
      this.wrong(`${id} is governed by rule ${failed.rule ?? NO_RULE}, not by ${index}`);
    const count = (budget.failures.get(index) ?? 0) + 1;
    budget.failures.set(index, count);
    const isMeant =
      index === NO_RULE ? isRetriable(failed, call.retry.retry_on) : rule.max_retries > 0;
    const mayGoOn = isMeant && count <= (budget.max ?? rule.max_retries);
    const isOver = failed.retry_at === undefined;
    if (!isOver && !mayGoOn) this.wrong(`${id} is tried again, and its budget is spent`);
    if (!isOver) this.delayed(id, rule, count, failed);
    if (isOver && mayGoOn && !this.isStoppedFor(id, failed.step)) this.givenUp.add(id);
    if (!isOver) this.waiting.add(id);
    else this.last.set(id, failed);
    if (isOver && id.startsWith('undo') && this.givenUp.delete(id))
      this.wrong(`${id} is given up before its budget is spent`);
  }

  private isStoppedFor(id: string, address: string): boolean {
    return id.startsWith('step') ? this.isStopped(address) : this.isStopped() && !this.isUndoing;
  }

  private delayed(id: string, rule: Schedule, count: number, failed: Failed): void {
    const { initial_delay_ms, backoff_multiplier, max_delay_ms, jitter } = rule;
    const full = Math.min(initial_delay_ms * backoff_multiplier ** (count - 1), max_delay_ms);
    const asked = Math.min(failed.retry_after_ms ?? 0, max_delay_ms);
    const [least, most] = [Math.max(full * (1 - jitter), asked), Math.max(full, asked)];
    const delay = epochMs(failed.retry_at ?? failed.at) - epochMs(failed.at);
    if (delay < least - ROUNDED_MS || delay > most + ROUNDED_MS)
      this.wrong(`${id} waits ${delay} ms, and must wait ${least} to ${most}`);
  }

  private ended(data: EventOf<'StepFailed'>['data']): void {
    const { step: address, outcome, message, caught } = data;
    const id = `step ${address}`;
    const last = outcome === 'unusable' ? undefined : this.last.get(id);
    this.waiting.delete(id);
    this.last.delete(id);
    if (this.givenUp.delete(id) && !message.includes('no time left'))
      this.wrong(`${id} is given up before its budget is spent`);
    const step = this.definition.steps.get(nameAt(address));
    const isChild = step?.type === 'sub_workflow';
    const isCatching = (isChild || step?.type === 'service_call') && !this.isStopped(address);
    const entry = isCatching
      ? step.onError.find(({ match }) =>
          match.some((one) => one === outcome || one === 'any' || (last && isOf(last, one))),
        )
      : undefined;
    if (caught?.goto !== entry?.goto)
      this.wrong(
        `${address} is caught to ${caught?.goto ?? 'nowhere'}, not ${entry?.goto ?? 'at all'}`,
      );
    if (!caught) return;
    const { error } = caught;
    const none = outcome === 'unusable' ? 'unusable' : 'input';
    const ofChild = isChild && this.childrenFailed.has(id) && outcome !== 'unusable';
    const expected = ofChild ? 'sub_workflow' : last ? classOf(last) : none;
    if (error.outcome !== outcome || error.class !== expected)
      this.wrong(`${address} is caught as ${error.outcome}, ${error.class}`);
  }

  private wrong(what: string): void {
    this.wrongs.push(what);
  }
}

const isOf = (failed: Failed, named: string | number): boolean =>
  named === 'any' || named === classOf(failed) || named === failed.status;

function classOf({ kind, status = 0 }: Failed): string {
  if (kind === 'timeout') return 'timeout';
  return kind === 'answer' ? `${String(status).slice(0, 1)}xx` : 'connection';
}

/** What the policy itself is for, where no rule says otherwise. */
function isRetriable({ kind, status = 0 }: Failed, also: readonly (string | number)[]): boolean {
  if (kind !== 'answer' || status >= 500 || TRANSIENT.has(status)) return true;
  return also.some((one) => one === 'any' || one === '4xx' || one === status);
}
