import { registryContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { has, unknownInstance, type WantedCapability } from '@downbeat/registry-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { capabilitiesIn } from './answers';
import type { InstanceRow } from './instance.table';
import { services, type ServiceRow } from './services.projection';

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
> &
  Pick<ServiceRow, 'service_version' | 'details'>;

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
                i.suppressed_until, i.status_phase, i.status_code, s.service_version, s.details
         from instance i join service s on s.service_name = i.service_id
         where i.instance_id = $1 and i.service_id = $2`,
        [instance_id, service_id],
      );
      if (!row) return unknownInstance(instance_id);
      const wanted = capability === undefined ? undefined : { name: capability, range: version };
      const reasons = [
        ...againstItsStatus(row),
        ...againstItsLifecycle(row),
        ...againstItsPast(row),
        ...againstItsService(row, wanted),
      ];
      const status = row.status as Answer['status'];
      return { service_id, instance_id, status, is_offered: reasons.length === 0, reasons };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }
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

function unhealthy({ status_code, status_phase }: Asked, because: string): Reason {
  const code = status_code as keyof typeof MESSAGES | null;
  if (code === null) return { code: 'fails-its-checks', message: `its checks fail${because}` };
  return {
    code,
    message: `${MESSAGES[code]}${because}`,
    ...(status_phase !== null && { phase: status_phase as NonNullable<Reason['phase']> }),
  };
}

const MESSAGES: Readonly<Record<registryContract.UnhealthyReason, string>> = {
  'startup-timed-out': 'it has not started in time',
  'needs-restart': 'its liveness check fails, it needs a restart',
  'not-ready': 'it is not ready',
};

function againstItsService(row: Asked, wanted: WantedCapability | undefined): Reason[] {
  if (!wanted || has(capabilitiesIn(row), wanted)) return [];
  const { name, range } = wanted;
  const which = range === undefined ? name : `${name} in a version of ${range}`;
  const message = `its service does not have the capability ${which}`;
  return [{ code: 'lacks-the-capability', message }];
}
