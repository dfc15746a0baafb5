import { ReadModels, type ReadAs } from '@downbeat/projections';
import type { RetentionRules } from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { retention } from '../projections/retention/retention.projection';

/** What was said of how long ended runs stay, by workflow; the default under its own name. */
@Injectable()
export class RetentionPolicies {
  constructor(private readonly readModels: ReadModels) {}

  async said(as: ReadAs): Promise<ReadonlyMap<string, RetentionRules>> {
    const { data } = await this.readModels.ask(retention, as, (manager) =>
      manager.query<{ workflow_name: string; rules: RetentionRules }[]>(
        'select workflow_name, rules from retention_policy',
      ),
    );
    return new Map(data.map(({ workflow_name, rules }) => [workflow_name, rules]));
  }
}
