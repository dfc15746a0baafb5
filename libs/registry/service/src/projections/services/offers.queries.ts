import { registryContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { unknownInstance } from '@downbeat/registry-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { InstanceRow } from './services.projection';
import { services } from './services.projection';

const { explainInstance } = registryContract;
type Answer = AnswerOf<typeof explainInstance>;
type Reason = Answer['reasons'][number];
type Asked = Pick<InstanceRow, 'status' | 'status_changed_at' | 'status_reason'> & {
  readonly capabilities: readonly string[];
};

/** Answers "why is this instance not offered to me". */
@Controller()
export class OffersQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(explainInstance)
  async explain({ input, as }: Question<InputOf<typeof explainInstance>>) {
    const { service_id, instance_id, capability } = input;
    const read = await this.readModels.ask(services, as, async (manager) => {
      const [row]: Asked[] = await manager.query(
        `select i.status, i.status_changed_at, i.status_reason,
                coalesce(s.details -> 'capabilities', '[]'::json) as capabilities
         from instance i left join service s on s.service_name = i.service_id
         where i.instance_id = $1 and i.service_id = $2`,
        [instance_id, service_id],
      );
      if (!row) return unknownInstance(instance_id);
      const reasons = [...againstItsStatus(row), ...againstItsService(row, capability)];
      const status = row.status as Answer['status'];
      return { service_id, instance_id, status, is_offered: reasons.length === 0, reasons };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }
}

function againstItsStatus({ status, status_changed_at: since, status_reason }: Asked): Reason[] {
  const because = status_reason === null ? '' : `: ${status_reason}`;
  switch (status as Answer['status']) {
    case 'healthy':
      return [];
    case 'starting':
      return [{ code: 'not-checked-yet', message: 'no check has succeeded yet', since }];
    case 'unhealthy':
      return [{ code: 'fails-its-checks', message: `its checks fail${because}`, since }];
    case 'terminating':
      return [{ code: 'goes-away', message: `it goes away${because}`, since }];
  }
}

function againstItsService({ capabilities }: Asked, capability: string | undefined): Reason[] {
  if (capability === undefined || capabilities.includes(capability)) return [];
  const message = `its service does not have the capability ${capability}`;
  return [{ code: 'lacks-the-capability', message }];
}
