import {
  retryPolicy,
  type CompensationAction,
  type MapStep,
  type RetryPolicy,
  type Step,
} from '@downbeat/contracts';
import type { FieldError } from '@downbeat/eventsourcing';
import { compileExpression, type Expression } from '../expressions/cel';
import { compileMapping, type Mapping } from '../expressions/mapping';
import { FORBIDDEN_KEYS, RESERVED_ROOTS } from '../expressions/scope';
import { checkOutcomesOnly, checkReachable } from './check-matches';
import {
  END,
  type Call,
  type Common,
  type CompiledMap,
  type CompiledStep,
  type RetryRule,
  type Target,
} from './compiled';

/** A run has retries of its own. */
const NO_RETRIES = { retry: retryPolicy.parse({ max_retries: 0 }), rules: [] };

export interface StepPosition {
  readonly name: string;
  readonly place: number;
  readonly path: string;
  readonly parent: string | undefined;
  readonly branch: string | undefined;
  readonly group: string;
  /** The step after it in its array. */
  readonly following: Target;
}

/** @param inner Filled by the caller with the names of the steps inside a parallel or map step. */
export function compileStep(
  step: Step,
  position: StepPosition,
  inner: ReadonlySet<string>,
  errors: FieldError[],
): CompiledStep {
  const { name, place, path, parent, branch, group, following } = position;
  const condition =
    step.conditions === undefined
      ? undefined
      : compileCondition(step.conditions, `${path}.conditions`, errors);
  const next = step.next ?? following;
  const savepoint = step.savepoint === true ? name : step.savepoint || undefined;
  const common = { name, place, path, parent, branch, group, condition, next, savepoint };
  switch (step.type) {
    case 'service_call':
      checkReachable(step.on_error ?? [], `${path}.on_error`, errors);
      return {
        ...common,
        type: 'service_call',
        call: compileCall(step, path, errors),
        output: compileOutput(step.output_mapping, path, errors),
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
    case 'wait_for_signal':
      if (step.default !== undefined && step.timeout_seconds === undefined)
        errors.push({
          field: `${path}.default`,
          message: 'is never taken without timeout_seconds',
        });
      return {
        ...common,
        type: 'wait_for_signal',
        signal: step.signal,
        timeoutMs:
          step.timeout_seconds === undefined ? undefined : Math.round(step.timeout_seconds * 1_000),
        fallback: step.default,
        output: compileOutput(step.output_mapping, path, errors),
      };
    case 'publish':
      return {
        ...common,
        type: 'publish',
        event: step.event,
        payload: compileMapping(step.payload, 'scope', `${path}.payload`, errors),
      };
    case 'sub_workflow': {
      checkReachable(step.on_error ?? [], `${path}.on_error`, errors);
      checkOutcomesOnly(step.on_error ?? [], `${path}.on_error`, errors);
      const input = compileMapping(step.input_mapping, 'scope', `${path}.input_mapping`, errors);
      return {
        ...common,
        type: 'sub_workflow',
        workflowName: step.workflow_name,
        workflowVersion: step.workflow_version,
        call: { input, ...NO_RETRIES },
        output: compileOutput(step.output_mapping, path, errors),
        isOptional: false,
        onError: step.on_error ?? [],
        undo: { input: compileMapping({}, 'scope', path, errors), ...NO_RETRIES },
        isUndoneWhenFailed: false,
      };
    }
    case 'parallel':
      return {
        ...common,
        type: 'parallel',
        join: step.join ?? 'all',
        branches: step.branches.map((branch) => ({
          name: branch.name,
          first: branch.steps[0]?.name ?? END,
        })),
        inner,
      };
    case 'map':
      return compileMap(step, common, inner, errors);
  }
}

function compileMap(
  step: MapStep,
  common: Common,
  inner: ReadonlySet<string>,
  errors: FieldError[],
): CompiledMap {
  const { path } = common;
  if (RESERVED_ROOTS.has(step.as) || FORBIDDEN_KEYS.has(step.as))
    errors.push({ field: `${path}.as`, message: 'is a reserved name' });
  refuseReserved(step.collect, `${path}.collect`, errors);
  return {
    ...common,
    type: 'map',
    join: step.join,
    items: compileMapping({ items: step.items }, 'scope', path, errors),
    as: step.as,
    itemsMax: step.max_items,
    concurrency: step.concurrency,
    first: step.steps[0]?.name ?? END,
    collect: compileMapping(step.collect, 'scope', `${path}.collect`, errors),
    inner,
  };
}

/** What a step writes into the context, from its answer or its signal's payload. */
function compileOutput(
  mapping: Readonly<Record<string, string>>,
  path: string,
  errors: FieldError[],
): Mapping {
  const place = `${path}.output_mapping`;
  refuseReserved(mapping, place, errors);
  return compileMapping(mapping, 'output', place, errors);
}

function refuseReserved(
  mapping: Readonly<Record<string, string>>,
  place: string,
  errors: FieldError[],
): void {
  for (const key of Object.keys(mapping))
    if (RESERVED_ROOTS.has(key))
      errors.push({ field: `${place}.${key}`, message: 'is a reserved name' });
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
