import { connect, type JsMsg } from 'nats';

/** Where a message stands, as `QuarantineMessage` wants it. */
export interface Place {
  readonly stream_created: string;
  readonly stream_sequence: number;
}

/** What a program without the SDK does: takes what is there for a durable consumer, and acknowledges it. */
export async function consumePlainly(
  natsUrl: string,
  durable: string,
  count: number,
  before: (message: JsMsg, place: Place) => Promise<void>,
): Promise<void> {
  const nats = await connect({ servers: natsUrl });
  try {
    const { created } = await (await nats.jetstreamManager()).streams.info('message');
    const consumer = await nats.jetstream().consumers.get('message', durable);
    for (let done = 0; done < count; done++) {
      const message = await consumer.next({ expires: 30_000 });
      if (!message) throw new Error(`${durable} got ${done} of ${count} messages`);
      await before(message, { stream_created: String(created), stream_sequence: message.seq });
      await message.ackAck();
    }
  } finally {
    await nats.close();
  }
}
