import { contracts } from '@downbeat/contracts';
import { MESSAGE_LEAD } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { Injectable } from '@nestjs/common';
import { subscriptions } from '../projections/subscriptions/subscriptions.projection';

/** Who would read a letter that is sent again: every context its commands, a service the topics it has subscribed to. */
@Injectable()
export class KnownConsumers {
  constructor(private readonly readModels: ReadModels) {}

  /** Of each, whether somebody reads it. */
  async of(
    letters: readonly { readonly consumer: string; readonly subject: string }[],
  ): Promise<readonly boolean[]> {
    const ids = letters.map(({ consumer, subject }) => `${consumer}/${subject.split('.')[2]}`);
    const { data: known } = await this.readModels.ask(subscriptions, {}, async (manager) => {
      const rows: { id: string }[] = await manager.query(
        'select id from subscription where id = any($1::text[])',
        [ids],
      );
      return new Set(rows.map(({ id }) => id));
    });
    return letters.map(({ consumer, subject }, index) =>
      subject.startsWith(MESSAGE_LEAD)
        ? known.has(ids[index] ?? '')
        : Object.keys(contracts).some((context) => consumer === `${context}-commands`),
    );
  }
}
