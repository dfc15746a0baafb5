import { z } from 'zod';

const counted = z.number().finite();
const text = z.string().max(200);
const LISTED_MAX = 200;

/** What a process of the suite says of itself over core NATS; unknown fields are those of another release. */
export const processReport = z.object({
  /** `saga` */
  name: text,
  /** One life of the process. */
  process_id: text,
  memory_bytes: counted,
  bus: z.object({
    waiting: counted,
    quarantined: counted,
    handler_timeouts: counted,
    disconnects: counted,
    server_gave_up: counted,
  }),
  contexts: z
    .array(
      z.object({
        context: text,
        projections: z
          .array(z.object({ name: text, lag: counted, parked_streams: counted }))
          .max(LISTED_MAX),
        relay_finds: counted.optional(),
        unsent: counted.optional(),
      }),
    )
    .max(20),
  queues: z
    .array(z.object({ name: text, messages: counted, oldest_seconds: counted.optional() }))
    .max(LISTED_MAX)
    .optional(),
});
export type ProcessReport = z.output<typeof processReport>;
