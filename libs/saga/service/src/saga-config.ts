import { z } from 'zod';
import { CRASH_POINTS } from './engine/crash-points';

const POINT = new RegExp(`^(${CRASH_POINTS.join('|').replaceAll('.', '\\.')})(:[1-9]\\d{0,6})?$`);

export const sagaConfig = z.object({
  DOWNBEAT_CRASH_AT: z
    .string()
    .regex(POINT, `must be one of ${CRASH_POINTS.join(', ')}, and :<times>`)
    .optional()
    .describe(
      'For drills, in development only: where the process kills itself; call.after-answer:3 is the third time it gets there',
    ),
});
