import { messagingContract, type InputOf } from '@downbeat/contracts';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { subscriptions, type SubscriptionRow } from './subscriptions.projection';

const { listSubscriptions } = messagingContract;

/** Answers who has messages of what kept. */
@Controller()
export class SubscriptionsQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listSubscriptions)
  async list({ input, as }: Question<InputOf<typeof listSubscriptions>>) {
    return this.readModels.ask(subscriptions, as, async (manager) => {
      const rows = await manager.query<SubscriptionRow[]>(
        `select * from subscription
          where ($1::text is null or service_name = $1) and ($2::text is null or topic = $2)
            and ($3::text is null or id > $3 collate "C")
          order by id collate "C" limit $4`,
        [input.service_name ?? null, input.topic ?? null, cursorOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(rows, input.limit, ({ id }) => id);
      return {
        subscriptions: page.rows.map(({ service_name, topic, subscribed_at }) => ({
          service_name,
          topic,
          subscribed_at,
        })),
        next_cursor: page.nextCursor,
      };
    });
  }
}
