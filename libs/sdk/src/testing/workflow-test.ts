import { validate, workflowDefinition } from '@downbeat/contracts';
import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import { compileDefinition, isRequest, type CompiledDefinition } from '@downbeat/saga-domain';
import type { JsonValue } from './json-value';
import { PlayedEngine } from './played-engine';
import type { PlayedRun } from './played-run';
import { answers, type ScriptedAnswer } from './scripted-answer';

type Data = { readonly [key: string]: JsonValue | undefined };
/** By a step's name, or `<step>:undo`. Several: one for each attempt, the last one for all further ones. */
type Script = Readonly<Record<string, ScriptedAnswer | readonly ScriptedAnswer[]>>;

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
  new WorkflowTest(compiled(definition), {}, {}, answers());

/** Immutable: each step of its making gives a new one, so that tests can share a beginning. */
export class WorkflowTest {
  constructor(
    private readonly definition: CompiledDefinition,
    private readonly data: Data,
    private readonly script: Script,
    private readonly otherwise: ScriptedAnswer,
  ) {}

  /** The data that the run is started with. */
  with(data: Data): WorkflowTest {
    return new WorkflowTest(this.definition, data, this.script, this.otherwise);
  }

  /**
   * What services do; adds to what was said before.
   *
   * @throws {RangeError} There is no such step, or it has no undo: the script would never be played.
   */
  when(script: Script): WorkflowTest {
    for (const name of Object.keys(script)) this.requireCall(name);
    const all = { ...this.script, ...script };
    return new WorkflowTest(this.definition, this.data, all, this.otherwise);
  }

  /** What services do of which nothing was said; without it they answer `{}`. */
  whenNothingIsSaid(otherwise: ScriptedAnswer): WorkflowTest {
    return new WorkflowTest(this.definition, this.data, this.script, otherwise);
  }

  /** Plays the run to its end; the same test gives the same run each time. */
  play(): PlayedRun {
    const engine = new PlayedEngine(this.definition, (step, attempt) =>
      this.answerTo(step, attempt),
    );
    return engine.play(this.data as JsonObject);
  }

  private answerTo(name: string, attempt: number): ScriptedAnswer {
    const said = this.script[name];
    if (said === undefined) return this.otherwise;
    if (!isList(said)) return said;
    return said[Math.min(attempt, said.length) - 1] ?? this.otherwise;
  }

  private requireCall(name: string): void {
    const [stepName = '', undo, ...more] = name.split(':');
    const step = this.definition.steps.get(stepName);
    const isCall = step !== undefined && isRequest(step) && more.length === 0;
    if (isCall && (undo === undefined || (undo === 'undo' && step.undo !== undefined))) return;
    throw new RangeError(`${this.definition.name} never calls ${name}`);
  }
}

const isList = (
  said: ScriptedAnswer | readonly ScriptedAnswer[],
): said is readonly ScriptedAnswer[] => Array.isArray(said);

function compiled(definition: unknown): CompiledDefinition {
  const valid = validate(workflowDefinition, definition);
  const result = valid instanceof Rejection ? valid : compileDefinition(valid.value);
  if (result instanceof Rejection) throw new DefinitionRefused(result.errors);
  return result;
}
