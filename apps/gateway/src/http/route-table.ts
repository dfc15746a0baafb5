import {
  contracts,
  sagaContract,
  type CommandContract,
  type QueryContract,
} from '@downbeat/contracts';

export const API_PATH = '/api/orchestration';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** One contract that is offered over HTTP. */
export interface ContractRoute<Contract = CommandContract | QueryContract> {
  readonly method: Method;
  /** The whole path, `{field}` for what comes from it. */
  readonly path: string;
  /** Fields of the input that stand in the path. */
  readonly pathFields: readonly string[];
  readonly contract: Contract;
}

/** Every command and query the contracts offer over HTTP. */
export const contractRoutes: readonly ContractRoute[] = Object.values(contracts).flatMap(
  ({ commands, queries }) => [...queries, ...commands].flatMap(routeOf),
);

export const isCommand = (route: ContractRoute): route is ContractRoute<CommandContract> =>
  route.contract.kind === 'command';

function routeOf(contract: CommandContract | QueryContract): readonly ContractRoute[] {
  if (!contract.http) return [];
  const { method, path } = contract.http;
  const pathFields = [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => String(field));
  return [{ method, path: `${API_PATH}${path}`, pathFields, contract }];
}

/** Whether the command starts a run: new work, whose end a client can wait for. */
export const isStart = ({ contract }: ContractRoute): boolean =>
  contract.name === sagaContract.startWorkflow.name;

/** Where the rest of the input comes from. */
export const takesBody = ({ method }: ContractRoute): boolean =>
  method === 'POST' || method === 'PUT';

/** Where what a command made or changed can be read; `{field}` from its answer or its data. */
const READ_AT: Readonly<Record<string, string>> = {
  RegisterService: '/services/{service_id}',
  UpdateService: '/services/{service_id}',
  RegisterInstance: '/services/{service_id}/instances',
  CreateConfiguration:
    '/services/{service_id}/configurations/{environment}/versions/{config_version}',
  ActivateConfiguration: '/services/{service_id}/configurations/{environment}/activations',
  RollbackConfiguration: '/services/{service_id}/configurations/{environment}/activations',
  RegisterWorkflowDefinition: '/workflow-definitions?name={name}',
  PauseDefinition: '/workflow-definitions?name={workflow_name}',
  ResumeDefinition: '/workflow-definitions?name={workflow_name}',
  StartWorkflow: '/workflows/{workflow_id}/status',
  CompensateWorkflow: '/workflows/{workflow_id}/status',
  RetryWorkflow: '/workflows/{workflow_id}/status',
  PauseWorkflow: '/workflows/{workflow_id}/status',
  ResumeWorkflow: '/workflows/{workflow_id}/status',
  MigrateWorkflow: '/workflows/{workflow_id}/status',
  ResolveIncident: '/workflows/incidents/{incident_id}',
  RedriveDeadLetter: '/messages/dead-letters/{dead_letter_id}',
  CreateCircuitBreaker: '/circuit-breakers/{breaker_id}',
  UpdateCircuitBreaker: '/circuit-breakers/{breaker_id}',
  ResetCircuitBreaker: '/circuit-breakers/{breaker_id}',
  ForceCircuitBreaker: '/circuit-breakers/{breaker_id}',
  ReleaseCircuitBreaker: '/circuit-breakers/{breaker_id}',
  DiscardDeadLetter: '/messages/dead-letters/{dead_letter_id}',
  EditDeadLetter: '/messages/dead-letters/{dead_letter_id}',
  PurgeDeadLetter: '/messages/dead-letters/{dead_letter_id}',
  StartDeadLetterOperation: '/messages/dead-letter-operations/{operation_id}',
  AbortDeadLetterOperation: '/messages/dead-letter-operations/{operation_id}',
};

export function locationOf(
  contract: CommandContract,
  fields: Readonly<Record<string, unknown>>,
): string | undefined {
  const template = READ_AT[contract.name];
  return template && fillPath(`${API_PATH}${template}`, (field) => String(fields[field]));
}

export const fillPath = (template: string, valueOf: (field: string) => string): string =>
  template.replace(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(valueOf(field)));
