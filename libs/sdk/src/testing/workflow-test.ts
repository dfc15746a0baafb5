import { validate, workflowDefinition } from '@downbeat/contracts';
import { Rejection, type Json, type JsonObject } from '@downbeat/eventsourcing';
import {
  compileDefinition,
  isRequest,
  nameOf,
  type CompiledDefinition,
  type CompiledStep,
} from '@downbeat/saga-domain';
import type { JsonValue } from './json-value';
import { PlayedEngine, type PlayedAnswer, type ScriptedSignal } from './played-engine';
import type { PlayedRun } from './played-run';
import { answers, type ScriptedAnswer } from './scripted-answer';

type Data = { readonly [key: string]: JsonValue | undefined };
type Said = ScriptedAnswer | WorkflowTest;
/**
 * By a step's name, or `<step>:undo`; inside a map that is for every item, and `<step>#<index>` for one,
 * `<step>#<i>.<j>` in a map inside a map. Several: one for each attempt, the last one for all further
 * ones. For a step that another workflow stands for: its final context (`answers`), a failure, or the
 * test of that workflow, which is played with the step's input.
 */
type Script = Readonly<Record<string, Said | readonly Said[]>>;

/** The definition is refused, as it would be when it is registered. */
export class DefinitionRefused extends Error {
  override readonly name = 'DefinitionRefused';

  constructor(
    /** What is wrong, and where. */
    readonly errors: readonly { readonly field: string; readonly message: string }[],
  ) {
    super(errors.map(({ field, message }) => `${field} ${message}`).join('\n'));
  }
}

/**
 * A test of a workflow definition, without servers: the rules are the suite's own, time is virtual,
 * and services do what the script says.
 *
 *     const { status, undone } = givenWorkflow(bookWedding)
 *       .with({ booking: { amount: 900 } })
 *       .when({ 'hold-venue': answers({ id: 'h-1' }), pay: [isSilent(), refuses(402, 'no funds')] })
 *       .play();
 *
 * @param definition As it would be registered: an object, not YAML.
 * @throws {DefinitionRefused}
 */
export const givenWorkflow = (definition: unknown): WorkflowTest =>
  new WorkflowTest(compiled(definition), {}, {}, answers(), []);

/** Immutable: each step of its making gives a new one, so that tests can share a beginning. */
export class WorkflowTest {
  constructor(
    private readonly definition: CompiledDefinition,
    private readonly data: Data,
    private readonly script: Script,
    private readonly otherwise: ScriptedAnswer,
    private readonly signals: readonly ScriptedSignal[],
  ) {}

  /** The data that the run is started with. */
  with(data: Data): WorkflowTest {
    return new WorkflowTest(this.definition, data, this.script, this.otherwise, this.signals);
  }

  /**
   * What services do; adds to what was said before.
   *
   * @throws {RangeError} There is no such step, or it has no undo: the script would never be played.
   */
  when(script: Script): WorkflowTest {
    for (const [name, said] of Object.entries(script)) this.requireCall(name, said);
    const all = { ...this.script, ...script };
    return new WorkflowTest(this.definition, this.data, all, this.otherwise, this.signals);
  }

  /** What services do of which nothing was said; without it they answer `{}`. */
  whenNothingIsSaid(otherwise: ScriptedAnswer): WorkflowTest {
    return new WorkflowTest(this.definition, this.data, this.script, otherwise, this.signals);
  }

  /**
   * Somebody sends the run a signal, so many milliseconds after its start; adds to those before. One
   * that comes early is kept, as ever.
   *
   * @throws {RangeError} No step of the workflow waits for it.
   */
  signalled(signal: string, payload: JsonValue = {}, { afterMs = 0 } = {}): WorkflowTest {
    const isAwaited = [...this.definition.steps.values()].some(
      (step) => step.type === 'wait_for_signal' && step.signal === signal,
    );
    if (!isAwaited) throw new RangeError(`${this.definition.name} never waits for ${signal}`);
    const sent = { signal, payload: payload as Json, atMs: afterMs };
    const all = [...this.signals, sent];
    return new WorkflowTest(this.definition, this.data, this.script, this.otherwise, all);
  }

  /** Plays the run to its end; the same test gives the same run each time. */
  play(): PlayedRun {
    const engine = new PlayedEngine(
      this.definition,
      (step, attempt, input) => this.answerTo(step, attempt, input),
      this.signals,
    );
    return engine.play(this.data as JsonObject);
  }

  private answerTo(name: string, attempt: number, input: JsonObject): PlayedAnswer {
    const said = this.script[name] ?? this.script[withoutItem(name)] ?? this.otherwise;
    const now = isList(said) ? said[Math.min(attempt, said.length) - 1] : said;
    if (!(now instanceof WorkflowTest)) return now ?? this.otherwise;
    return { kind: 'ran', run: now.with(input as Data).play() };
  }

  private requireCall(name: string, said: Said | readonly Said[]): void {
    const [address = '', undo, ...more] = name.split(':');
    const step = this.definition.steps.get(nameOf(address));
    const isCall = step !== undefined && isRequest(step) && more.length === 0;
    const isUndo = undo === 'undo' && isCall && step.undo !== undefined;
    const isHere = isCall && isItemOf(this.definition, step, address.slice(step.name.length));
    if (!isHere || (undo !== undefined && !isUndo))
      throw new RangeError(`${this.definition.name} never calls ${name}`);
    const isPlayed = (isList(said) ? said : [said]).some((one) => one instanceof WorkflowTest);
    if (isPlayed && (step.type !== 'sub_workflow' || isUndo))
      throw new RangeError(`${name} is answered by a service, and not by another workflow`);
  }
}

/** `hold` of `hold#3`, `hold:undo` of `hold#3:undo`. */
const withoutItem = (name: string): string => name.replace(/#[\d.]+/, '');

/** @param item Nothing, or `#3`: with an index for each map around the step. */
function isItemOf(definition: CompiledDefinition, step: CompiledStep, item: string): boolean {
  if (item === '') return true;
  let maps = 0;
  for (let { parent } = step; parent !== undefined;) {
    const around = definition.steps.get(parent);
    if (around?.type === 'map') maps++;
    parent = around?.parent;
  }
  return /^#\d+(\.\d+)*$/.test(item) && item.split('.').length === maps;
}

const isList = (said: Said | readonly Said[]): said is readonly Said[] => Array.isArray(said);

function compiled(definition: unknown): CompiledDefinition {
  const valid = validate(workflowDefinition, definition);
  const result = valid instanceof Rejection ? valid : compileDefinition(valid.value);
  if (result instanceof Rejection) throw new DefinitionRefused(result.errors);
  return result;
}
