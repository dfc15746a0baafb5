import { Fault, type JsonObject, type Position } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { Injectable } from '@nestjs/common';
import {
  configurationId,
  configurations,
} from '../projections/configurations/configurations.projection';

/** A version that the log has is not in the read model, which says that it has read as far. */
export class ConfigurationNotFound extends Fault {
  override readonly name = 'ConfigurationNotFound';
  readonly code = 'registry/configuration-not-found';
  readonly remedy = 'retry';
}

/** What versions of configurations say. They never change, so where they are read makes no difference. */
@Injectable()
export class ConfigurationDocuments {
  constructor(private readonly readModels: ReadModels) {}

  /**
   * @param position At which it is known to be there.
   * @throws {ConfigurationNotFound} @throws {ReadModelBehind}
   */
  async effective(
    of: { readonly service_id: string; readonly environment: string },
    version: string,
    position: Position,
  ): Promise<JsonObject> {
    const id = configurationId(of, version);
    const { data } = await this.readModels.ask(
      configurations,
      { min_position: position },
      (manager) =>
        manager.query<{ effective: JsonObject }[]>(
          'select effective from configuration where id = $1',
          [id],
        ),
    );
    const [row] = data;
    if (!row) throw new ConfigurationNotFound(`${id} is not in the read model`);
    return row.effective;
  }
}
