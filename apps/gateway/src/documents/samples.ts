import {
  contracts,
  observabilityContract,
  sagaContract,
  type QueryContract,
} from '@downbeat/contracts';
import { fillPath, takesBody, type ContractRoute } from '../http/route-table';
import { SchemaBook } from './json-schema';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** Values of fields, taken from the examples of the commands; of what no command names, one of its own. */
const samples: Readonly<Record<string, unknown>> = Object.assign(
  {
    ...{ trace_id: TRACE_ID, first: TRACE_ID, second: '4bf92f3577b34da6a3ce929d0e0e4736' },
    revision: 2,
  },
  ...Object.values(contracts)
    .flatMap(({ commands }) => commands)
    .map(({ example }) => example),
) as Readonly<Record<string, unknown>>;

/** Something that could stand in this field. */
export const sampleOf = (field: string): string => String(samples[field] ?? field);

/** What a query could be asked: the fields it must have, and for some a few more. */
export function sampleInput(contract: QueryContract): Readonly<Record<string, unknown>> {
  const required = new SchemaBook('#/').input(contract.input).required ?? [];
  const sample = Object.fromEntries(required.map((field) => [field, sampleOf(field)]));
  return { ...sample, ...QUESTIONS[contract.name] };
}

const { rule_id: _, ...alertRuleSample } = observabilityContract.putAlertRule.example;

/** What the schema alone does not say: one of two, or what makes the answer worth reading. */
const QUESTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'find-instances': { service_name: 'billing' },
  'preview-bulk-operation': { action: 'retry', status: 'failed' },
  'preview-dead-letter-operation': { action: 'redrive', filter: { cause: '5f1d3a90c2b44e17' } },
  'preview-retention': { action: 'archive' },
  'list-events': { stream: 'service-billing' },
  replay: { stream: 'service-billing' },
  'what-if': {
    definition: sagaContract.registerDefinition.example,
    workflow_ids: [sagaContract.compensateWorkflow.example.workflow_id],
  },
  'what-if-breaker': {
    failure_threshold: 10,
    success_threshold: 3,
    timeout_duration: 30,
    hours: 24,
  },
  'preview-alert-rule': alertRuleSample,
  verify: { read_model: 'registry.services' },
};

/** The example of a route's input without what stands in its path. */
export function sampleRest({
  contract,
  pathFields,
}: ContractRoute): Readonly<Record<string, unknown>> {
  const example = contract.kind === 'command' ? contract.example : sampleInput(contract);
  return Object.fromEntries(
    Object.entries(example as object).filter(([field]) => !pathFields.includes(field)),
  );
}

/** A URL that could be asked for, below the host. */
export function sampleUrl(route: ContractRoute): string {
  const rest = takesBody(route) ? {} : (sampleRest(route) as Record<string, string>);
  const parameters = new URLSearchParams(rest).toString();
  const path = fillPath(route.path, (field) => pathSampleOf(route, field));
  return [path, parameters].filter(Boolean).join('?');
}

/** A command's own example says it. */
export function pathSampleOf({ contract }: ContractRoute, field: string): string {
  const example = contract.kind === 'command' ? (contract.example as Record<string, unknown>) : {};
  return String(example[field] ?? sampleOf(field));
}
