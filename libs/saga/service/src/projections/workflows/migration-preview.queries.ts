import { sagaContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { Read } from '@downbeat/projections';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { Migrations } from '../../definitions/migrations';

const { previewMigration } = sagaContract;

/** Answers what would become of a run by another version. It is read from its own events, as it is now. */
@Controller()
export class MigrationPreviewQueries {
  constructor(private readonly migrations: Migrations) {}

  @Answers(previewMigration)
  async preview({
    input,
  }: Question<InputOf<typeof previewMigration>>): Promise<
    Read<AnswerOf<typeof previewMigration>> | Rejection
  > {
    const { workflow_id, to_version } = input;
    const found = await this.migrations.of(workflow_id, to_version);
    if (found instanceof Rejection) return found;
    const { position, from_version, plan, refusal } = found;
    const steps = plan.steps.map(({ step: step_name, fate, message }) => ({
      step_name,
      fate,
      ...(message === undefined ? {} : { message }),
    }));
    const why = refusal ? { code: refusal.code, message: refusal.message } : {};
    return {
      position,
      data: {
        workflow_id,
        from_version,
        to_version,
        is_possible: refusal === undefined,
        ...why,
        steps,
      },
    };
  }
}
