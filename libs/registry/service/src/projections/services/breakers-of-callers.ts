import {
  healthContract,
  querySubject,
  type AnswerOf,
  type InputOf,
  type registryContract,
} from '@downbeat/contracts';

type Asked = InputOf<typeof registryContract.explainInstance>;
type Breakers = AnswerOf<typeof registryContract.explainInstance>['breakers'];

const { listCircuitBreakers } = healthContract;

/** How another context is asked for the breakers between those who ask and what they look for. */
export function breakersOfCallers({ service_id, capability, version, caller }: Asked): Breakers {
  const input = {
    ...(caller !== undefined && { service_name: caller }),
    target_service: capability === undefined ? service_id : nameOfCapability(capability, version),
  };
  return {
    query: querySubject(listCircuitBreakers),
    input,
    path: `${listCircuitBreakers.http?.path}?${new URLSearchParams(input)}`,
  };
}

/** Whoever has it is one target to a caller. */
const nameOfCapability = (name: string, range: string | undefined): string =>
  `capability:${name}${range === undefined ? '' : `@${range}`}`;
