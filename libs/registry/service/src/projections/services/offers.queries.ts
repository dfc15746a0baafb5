import { registryContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import {
  has,
  unknownInstance,
  unknownService,
  type WantedCapability,
} from '@downbeat/registry-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { capabilitiesIn } from './answers';
import { breakersOfCallers } from './breakers-of-callers';
import { goneOf } from './services.queries';
import type { InstanceRow } from './instance.table';
import { services, type DependenciesRow, type ServiceRow } from './services.projection';

const { explainInstance } = registryContract;
type Answer = AnswerOf<typeof explainInstance>;
type Reason = Answer['reasons'][number];
type Asked = Pick<
  InstanceRow,
  | 'status'
  | 'status_changed_at'
  | 'status_reason'
  | 'lifecycle'
  | 'lifecycle_detail'
  | 'suppressed_until'
  | 'status_phase'
  | 'status_code'
  | 'status_inherited'
  | 'version'
> &
  Pick<ServiceRow, 'details' | 'deployment_environment'>;
type Explained = Omit<Answer, 'breakers'>;
type Caller = NonNullable<Answer['caller']>;

/** Answers "why is this instance not offered to me". */
@Controller()
export class OffersQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(explainInstance)
  async explain({ input, as }: Question<InputOf<typeof explainInstance>>) {
    const { service_id, instance_id, capability, version } = input;
    const read = await this.readModels.ask(services, as, async (manager) => {
      const [row]: Asked[] = await manager.query(
        `select i.status, i.status_changed_at, i.status_reason, i.lifecycle, i.lifecycle_detail,
                i.suppressed_until, i.status_phase, i.status_code, i.status_inherited, i.version,
                s.details, s.deployment_environment
         from instance i join service s on s.service_name = i.service_id
         where i.instance_id = $1 and i.service_id = $2`,
        [instance_id, service_id],
      );
      if (!row) return endedOrUnknown(manager, service_id, instance_id);
      const caller = await callerOf(manager, input);
      if (caller instanceof Rejection) return caller;
      const wanted = capability === undefined ? undefined : { name: capability, range: version };
      const reasons = [
        ...againstItsStatus(row),
        ...againstItsLifecycle(row),
        ...againstItsPast(row),
        ...againstItsAbilities(row, wanted),
        // Who calls it by its name says whom he means.
        ...(wanted && caller ? againstItsEnvironment(row, caller) : []),
      ];
      const status = row.status as Answer['status'];
      const is_offered = reasons.length === 0;
      return { service_id, instance_id, status, is_offered, reasons, ...(caller && { caller }) };
    });
    if (read.data instanceof Rejection) return read.data;
    return { ...read, data: { ...read.data, breakers: breakersOfCallers(input) } };
  }
}

async function callerOf(
  manager: EntityManager,
  { caller, service_id }: InputOf<typeof explainInstance>,
): Promise<Caller | Rejection | undefined> {
  if (caller === undefined) return undefined;
  const [row]: (Pick<Caller, 'environment'> & Partial<DependenciesRow>)[] = await manager.query(
    `select s.deployment_environment as environment, d.dependencies
     from service s left join dependencies d using (service_name) where s.service_name = $1`,
    [caller],
  );
  if (!row) return unknownService(caller);
  const dependency = row.dependencies?.find(({ service_name }) => service_name === service_id);
  const { environment } = row;
  return { service_name: caller, environment, ...(dependency && { dependency }) };
}

async function endedOrUnknown(
  manager: EntityManager,
  service_id: string,
  instance_id: string,
): Promise<Explained | Rejection> {
  const gone = (await goneOf(manager, service_id)).find((one) => one.instance_id === instance_id);
  if (!gone) return unknownInstance(instance_id);
  const { lifecycle, reason, ended_at: since } = gone;
  const message = `it has ${lifecycle}, and is gone: ${reason}`;
  const reasons: Reason[] = [{ code: 'has-ended', message, since }];
  return { service_id, instance_id, status: 'terminating', is_offered: false, reasons };
}

function againstItsStatus(row: Asked): Reason[] {
  const { status, status_changed_at: since, status_reason } = row;
  const because = status_reason === null ? '' : `: ${status_reason}`;
  switch (status as Answer['status']) {
    case 'healthy':
      return [];
    case 'starting':
      return [{ code: 'not-checked-yet', message: notYet(row), since }];
    case 'unhealthy':
      return [{ ...unhealthy(row, because), since }];
    case 'terminating':
      return [{ code: 'goes-away', message: `it goes away${because}`, since }];
  }
}

function againstItsLifecycle({ status, lifecycle, lifecycle_detail }: Asked): Reason[] {
  const because = lifecycle_detail === null ? '' : `: ${lifecycle_detail}`;
  if (status === 'terminating') return [];
  switch (lifecycle as registryContract.Lifecycle) {
    // One that announces nothing runs as soon as it is healthy.
    case 'registered':
    case 'running':
      return [];
    case 'initializing':
    case 'starting':
      return [{ code: 'not-running-yet', message: `it says it is ${lifecycle}${because}` }];
    case 'stopping':
    case 'stopped':
      return [{ code: 'goes-away', message: `it says it is ${lifecycle}${because}` }];
    case 'failed':
      return [{ code: 'has-failed', message: `it says it has failed${because}` }];
  }
}

function againstItsPast({ suppressed_until: until }: Asked): Reason[] {
  if (until === null) return [];
  const message = `it changed between healthy and unhealthy too often, and is held back until ${until}`;
  return [{ code: 'changes-too-often', message }];
}

/** Which of its checks is asked now is known to health alone. */
function notYet({ details }: Asked): string {
  const check = details['health_check'] as registryContract.HealthCheck | undefined;
  return check?.startup
    ? 'it has not passed its startup check and the others yet'
    : 'no check has succeeded yet';
}

function unhealthy({ status_code, status_phase, ...row }: Asked, because: string): Reason {
  const code = status_code as keyof typeof MESSAGES | null;
  const inherited = row.status_inherited as Reason['inherited'] | null;
  const origin = inherited ? `. ${failsWith(inherited, code)}` : '';
  return {
    code: code ?? 'fails-its-checks',
    message: `${code === null ? 'its checks fail' : MESSAGES[code]}${because}${origin}`,
    ...(inherited && { inherited }),
    ...(status_phase !== null && { phase: status_phase as NonNullable<Reason['phase']> }),
  };
}

const MESSAGES: Readonly<Record<registryContract.UnhealthyReason, string>> = {
  'startup-timed-out': 'it has not started in time',
  'needs-restart': 'its liveness check fails, it needs a restart',
  inherited: 'its liveness check fails',
  'not-ready': 'it is not ready',
};

function failsWith(
  { origin, path }: NonNullable<Reason['inherited']>,
  code: keyof typeof MESSAGES | null,
): string {
  const way = path.join(' → ');
  return code === 'needs-restart'
    ? `Later ${origin} failed too, without which it cannot work (${way})`
    : `The failure began in ${origin} (${way}): a restart of this one helps nobody`;
}

function againstItsEnvironment(row: Asked, { service_name, environment }: Caller): Reason[] {
  const { deployment_environment: own } = row;
  if (own === environment) return [];
  const message = `it is in ${own}, and ${service_name} looks for capabilities in ${environment}`;
  return [{ code: 'in-another-environment', message }];
}

function againstItsAbilities(row: Asked, wanted: WantedCapability | undefined): Reason[] {
  const all = capabilitiesIn(row, row.version);
  if (!wanted || has(all, wanted)) return [];
  const { name, range } = wanted;
  const own = all.find((one) => one.name === name);
  const message = own
    ? `it has the capability ${name} in version ${own.version}, not in a version of ${range}`
    : `its service does not have the capability ${name}`;
  return [{ code: 'lacks-the-capability', message }];
}
