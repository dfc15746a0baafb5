import { z } from 'zod';

export const messagingConfig = z.object({
  MESSAGING_DEAD_LETTERS_KEPT_DAYS: z.coerce
    .number()
    .min(0.01)
    .max(3_650)
    .optional()
    .describe(
      'For so long the body of a dead letter is kept after it was handled or discarded. Without it: until somebody purges it',
    ),
});
