import type { CompensationAction, RetryPolicy, Step } from '@downbeat/contracts';
import type { FieldError } from '@downbeat/eventsourcing';
import { compileExpression, type Expression } from '../expressions/cel';
import { compileMapping } from '../expressions/mapping';
import { RESERVED_ROOTS } from '../expressions/scope';
import { checkReachable } from './check-matches';
import type { Call, CompiledStep, RetryRule, Target } from './compiled';

export interface StepPosition {
  readonly name: string;
  readonly place: number;
  readonly path: string;
  readonly parent: string | undefined;
  readonly group: string;
  /** The step after it in its array. */
  readonly following: Target;
}

/** @param inner Filled by the caller with the names of a parallel step's steps. */
export function compileStep(
  step: Step,
  position: StepPosition,
  inner: ReadonlySet<string>,
  errors: FieldError[],
): CompiledStep {
  const { name, place, path, parent, group, following } = position;
  const condition =
    step.conditions === undefined
      ? undefined
      : compileCondition(step.conditions, `${path}.conditions`, errors);
  const next = step.next ?? following;
  const savepoint = step.savepoint === true ? name : step.savepoint || undefined;
  const common = { name, place, path, parent, group, condition, next, savepoint };
  switch (step.type) {
    case 'service_call':
      for (const key of Object.keys(step.output_mapping))
        if (RESERVED_ROOTS.has(key))
          errors.push({ field: `${path}.output_mapping.${key}`, message: 'is a reserved name' });
      checkReachable(step.on_error ?? [], `${path}.on_error`, errors);
      return {
        ...common,
        type: 'service_call',
        call: compileCall(step, path, errors),
        output: compileMapping(step.output_mapping, 'output', `${path}.output_mapping`, errors),
        isOptional: step.optional,
        onError: step.on_error ?? [],
        undo:
          step.compensation_action &&
          compileCall(step.compensation_action, `${path}.compensation_action`, errors),
        isUndoneWhenFailed: step.undo_failed_step ?? false,
      };
    case 'decision':
      return {
        ...common,
        type: 'decision',
        cases: step.cases.flatMap(({ when, goto }, index) => {
          const compiled = compileCondition(when, `${path}.cases.${index}.when`, errors);
          return compiled ? [{ when: compiled, goto }] : [];
        }),
        otherwise: step.default ?? next,
      };
    case 'delay':
      return { ...common, type: 'delay', delayMs: Math.round(step.delay_seconds * 1_000) };
    case 'parallel':
      return {
        ...common,
        type: 'parallel',
        branches: step.branches.map((branch) => ({
          name: branch.name,
          first: branch.steps[0]?.name ?? 'end',
        })),
        inner,
      };
  }
}

function compileCall(action: CompensationAction, path: string, errors: FieldError[]): Call {
  return {
    service_name: action.service_name,
    endpoint: action.endpoint,
    method: action.method,
    input: compileMapping(action.input_mapping, 'scope', `${path}.input_mapping`, errors),
    retry: action.retry_policy,
    rules: compileRules(action.retry_policy, `${path}.retry_policy`, errors),
    timeoutMs: Math.round(action.timeout_seconds * 1_000),
  };
}

function compileRules(
  { rules = [], retry_on: _, ...policy }: RetryPolicy,
  path: string,
  errors: FieldError[],
): readonly RetryRule[] {
  checkReachable(rules, `${path}.rules`, errors);
  return rules.map((rule) => ({ ...policy, ...withoutUndefined(rule), match: rule.match }));
}

const withoutUndefined = (rule: object): object =>
  Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined));

function compileCondition(
  source: string,
  field: string,
  errors: FieldError[],
): Expression | undefined {
  const expression = compileExpression(source);
  if ('message' in expression) {
    errors.push({ field, message: expression.message });
    return undefined;
  }
  if (expression.type !== 'bool' && expression.type !== 'dyn') {
    errors.push({ field, message: `must give true or false, not ${expression.type}` });
    return undefined;
  }
  return expression;
}
