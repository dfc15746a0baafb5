import { z } from 'zod';
import * as f from '../fields';

/** A path into the context (`booking.venue_id`), or `=` and a CEL expression (`=booking.amount * 2`). */
const mappingSource = z.string().min(1).max(2_000);
const mapping = z.record(z.string().min(1).max(128), mappingSource);

/** A CEL expression that gives true or false: `booking.amount > 1000`. */
const condition = z.string().min(1).max(2_000);

const httpMethod = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** What begins a subject of the suite's own, or a client's inbox. NATS keeps `$…` to itself. */
const OWN_SUBJECTS =
  '(?:command|event|query|retry|hint|desk|evidence|_INBOX[A-Za-z0-9_-]*)(?:\\.|$)';

/** Not for a definition to call: whoever may register one would command the suite in the saga's name. */
export const isOwnSubject = (subject: string): boolean =>
  subject.startsWith('$') || new RegExp(`^${OWN_SUBJECTS}`).test(subject);

/** A part of a path that a URL resolves to a folder above; it would leave what the service offers. */
const DOTS = '(?:\\.|%2[eE]){1,2}';

/** A path (`/holds`) of the service's HTTP API, or `nats:<subject>` for request/reply. */
const endpoint = z
  .string()
  .max(1_024)
  .regex(
    new RegExp(
      `^(/(?!(?:[^\\s?#]*/)?${DOTS}(?:/|$))[^\\s?#\\\\]*|nats:(?!${OWN_SUBJECTS})[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*)$`,
    ),
    "must be a path that begins with / and has no part . or .., or nats: and a subject that is not one of the suite's own",
  );

/** Classes of errors a policy can name, beside an HTTP status such as `409`. */
export const RETRY_CLASSES = ['timeout', 'connection', '5xx', '4xx', 'any'] as const;

const failureClass = z.union([z.enum(RETRY_CLASSES), z.number().int().min(300).max(599)]);

/** Governs the failures it matches, with a budget of its own; what it leaves out is as in the policy. */
export const retryRule = z.strictObject({
  match: z.array(failureClass).min(1).max(50),
  /** 0: never retried. */
  max_retries: z.number().int().min(0).max(100).optional(),
  initial_delay_ms: z.number().int().min(0).max(3_600_000).optional(),
  backoff_multiplier: z.number().min(1).max(100).optional(),
  max_delay_ms: z.number().int().min(0).max(3_600_000).optional(),
  jitter: z.number().min(0).max(1).optional(),
});

export const retryPolicy = z.strictObject({
  /** n retries are n + 1 calls. */
  max_retries: z.number().int().min(0).max(100).default(3),
  initial_delay_ms: z.number().int().min(0).max(3_600_000).default(200),
  backoff_multiplier: z.number().min(1).max(100).default(2),
  max_delay_ms: z.number().int().min(0).max(3_600_000).default(30_000),
  /** Share of each delay that is left to chance: 0 none, 1 all of it. */
  jitter: z.number().min(0).max(1).default(0.2),
  /** What to retry besides what is retried anyway (5xx, 408, 425, 429, broken connections, time-outs). */
  retry_on: z
    .array(z.union([z.enum(RETRY_CLASSES), z.number().int().min(400).max(599)]))
    .max(50)
    .default([]),
  /** The first that matches governs a failure; what none matches falls to the policy itself. */
  rules: z.array(retryRule).min(1).max(20).optional(),
});
export type RetryPolicy = z.output<typeof retryPolicy>;

const call = {
  service_name: f.name,
  endpoint,
  method: httpMethod.default('POST'),
  input_mapping: mapping.default({}),
  retry_policy: retryPolicy.prefault({}),
  timeout_seconds: z.number().min(0.05).max(86_400).default(30),
};

export const compensationAction = z.strictObject(call);
export type CompensationAction = z.output<typeof compensationAction>;

const step = {
  name: f.name,
  /** The place in the array, from 1; the specification's field, checked when present. */
  order: z.number().int().min(1).optional(),
  /** The step is skipped when this is false. */
  conditions: condition.optional(),
  /** The step to go on with; `end` ends the workflow. Default: the following one. */
  next: z.union([f.name, z.literal('end')]).optional(),
  /** A compensation with strategy `partial` stops behind this step; true: named as the step. */
  savepoint: z.union([z.boolean(), f.name]).optional(),
};

/** What a step can end with: failed for sure, nobody knows, answered with what cannot be mapped. */
export const CAUGHT_OUTCOMES = ['failed', 'unknown', 'unusable'] as const;

/** Asked when the retries are spent: where to go on instead of failing. */
export const onError = z.strictObject({
  match: z
    .array(z.union([failureClass, z.enum(CAUGHT_OUTCOMES)]))
    .min(1)
    .max(50),
  goto: z.union([f.name, z.literal('end')]),
});
export type OnError = z.output<typeof onError>;

export const serviceCallStep = z.strictObject({
  ...step,
  type: z.literal('service_call'),
  ...call,
  /** Context key → path in the answer, or `=` CEL over the answer (named `output`). */
  output_mapping: mapping.default({}),
  /** When it fails the run goes on as if it had been skipped. */
  optional: z.boolean().default(false),
  /** The first that matches catches the failure; `errors.<step>` in expressions says what it was. */
  on_error: z.array(onError).min(1).max(20).optional(),
  compensation_action: compensationAction.optional(),
  /** The step is undone too when it was called and failed for sure. */
  undo_failed_step: z.boolean().optional(),
});
export type ServiceCallStep = z.output<typeof serviceCallStep>;

export const decisionStep = z.strictObject({
  ...step,
  type: z.literal('decision'),
  cases: z
    .array(z.strictObject({ when: condition, goto: z.union([f.name, z.literal('end')]) }))
    .min(1)
    .max(100),
  /** Where to go when no case holds. Default: the following step. */
  default: z.union([f.name, z.literal('end')]).optional(),
});
export type DecisionStep = z.output<typeof decisionStep>;

export const delayStep = z.strictObject({
  ...step,
  type: z.literal('delay'),
  delay_seconds: z.number().min(0).max(31_536_000),
});
export type DelayStep = z.output<typeof delayStep>;

export const waitForSignalStep = z.strictObject({
  ...step,
  type: z.literal('wait_for_signal'),
  /** The name under which it is sent; several steps may wait for the same one, each takes its own. */
  signal: f.name,
  /** Default: as long as the workflow's own time-out allows. */
  timeout_seconds: z.number().min(0.05).max(31_536_000).optional(),
  /** Taken for the payload when the time has passed; without it the step has failed then. */
  default: f.json.optional(),
  /** Context key → path in the payload, or `=` CEL over the payload (named `output`). */
  output_mapping: mapping.default({}),
});
export type WaitForSignalStep = z.output<typeof waitForSignalStep>;

export const publishStep = z.strictObject({
  ...step,
  type: z.literal('publish'),
  /** What happened: `order-ready`. */
  event: f.name,
  /** Field of the payload → path into the context, or `=` CEL. */
  payload: mapping.default({}),
});
export type PublishStep = z.output<typeof publishStep>;

export const subWorkflowStep = z.strictObject({
  ...step,
  type: z.literal('sub_workflow'),
  workflow_name: f.name,
  /** Default: the latest one when the step begins. */
  workflow_version: f.version.optional(),
  /** Key of the other run's context → path into this one's, or `=` CEL. */
  input_mapping: mapping.default({}),
  /** Context key → path in the other run's final context, or `=` CEL over it (named `output`). */
  output_mapping: mapping.default({}),
  /** Matched by how the step ended, or `any`: a run has no HTTP status. */
  on_error: z.array(onError).min(1).max(20).optional(),
});
export type SubWorkflowStep = z.output<typeof subWorkflowStep>;

interface AnyStep {
  readonly name: string;
  readonly order?: number | undefined;
  readonly conditions?: string | undefined;
  readonly next?: string | undefined;
  readonly savepoint?: boolean | string | undefined;
}
export interface ParallelStep extends AnyStep {
  readonly type: 'parallel';
  /** Absent from what was registered before there was a choice: `all`. */
  readonly join?: 'all' | 'settle' | 'race' | undefined;
  readonly branches: readonly { readonly name: string; readonly steps: readonly Step[] }[];
}
export interface MapStep extends AnyStep {
  readonly type: 'map';
  readonly items: string;
  readonly as: string;
  readonly max_items: number;
  readonly concurrency: number;
  readonly join: 'all' | 'settle';
  readonly steps: readonly Step[];
  readonly collect: Readonly<Record<string, string>>;
}
export type Step =
  | ServiceCallStep
  | DecisionStep
  | DelayStep
  | WaitForSignalStep
  | PublishStep
  | SubWorkflowStep
  | ParallelStep
  | MapStep;

const parallelObject = z.strictObject({
  ...step,
  type: z.literal('parallel'),
  /** What a branch that fails means to the others; `race`: the first one that completes wins. */
  join: z.enum(['all', 'settle', 'race']).default('all'),
  branches: z
    .array(
      z.strictObject({
        name: f.name,
        get steps(): z.ZodArray<z.ZodType<Step>> {
          return z.array(workflowStep).min(1).max(100);
        },
      }),
    )
    .min(1)
    .max(50),
});
export const parallelStep = parallelObject as unknown as z.ZodType<ParallelStep>;

const mapObject = z.strictObject({
  ...step,
  type: z.literal('map'),
  /** A path into the context, or `=` CEL, that gives a list. */
  items: mappingSource,
  /** The context key under which a step finds its item. */
  as: z
    .string()
    .max(128)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a letter or _, then letters, digits and _')
    .default('item'),
  /** A longer list fails the step. */
  max_items: z.number().int().min(1).max(400).default(100),
  /** Items under way at a time. */
  concurrency: z.number().int().min(1).max(100).default(10),
  join: z.enum(['all', 'settle']).default('all'),
  get steps(): z.ZodArray<z.ZodType<Step>> {
    return z.array(workflowStep).min(1).max(100);
  },
  /** Context key → path, or `=` CEL, over an item's context; the key gets a list in the items' order. */
  collect: mapping.default({}),
});
export const mapStep = mapObject as unknown as z.ZodType<MapStep>;

/** Told apart by `type`, so that what is wrong with a step is named field by field. */
export const workflowStep: z.ZodType<Step> = z.lazy(() =>
  z.discriminatedUnion('type', [
    serviceCallStep,
    decisionStep,
    delayStep,
    waitForSignalStep,
    publishStep,
    subWorkflowStep,
    parallelObject,
    mapObject,
  ]),
) as unknown as z.ZodType<Step>;

/** Whose calls go first when a target cannot take all: by weight, so that `low` is never starved. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export const priority = z.enum(PRIORITIES);
export type Priority = z.output<typeof priority>;

/** A workflow as data. Order in the array is the order of execution. */
export const workflowDefinition = z.strictObject({
  name: f.name,
  version: f.version.default('1.0.0'),
  description: f.line(1_000).optional(),
  timeout_minutes: z.number().min(0.001).max(525_600).default(60),
  compensation_strategy: z.enum(['all', 'partial', 'none', 'custom']).default('all'),
  /** Names of the steps to undo; with the strategy `custom` only. */
  compensation_steps: z.array(f.name).min(1).max(200).optional(),
  /** Of its runs, unless one is started with another; absent: `normal`. No default is filled in, so that the checksum of what was registered before stays. */
  priority: priority.optional(),
  /** A path into the start data, or `=` CEL: the tenant, the venue that limits per key count by. */
  limit_key: mappingSource.optional(),
  steps: z.array(workflowStep).min(1).max(200),
});
export type WorkflowDefinition = z.output<typeof workflowDefinition>;
