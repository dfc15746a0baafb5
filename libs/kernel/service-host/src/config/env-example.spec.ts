import { z } from 'zod';
import { envExample } from './env-example';

describe('the text of an .env.example', () => {
  it('tells each setting, what it may be, and whether it must be set', () => {
    const settings = z.object({
      URL: z.url().describe('Where'),
      PORT: z.coerce.number().int().min(1).max(9).default(3).describe('Port'),
      LEVEL: z.enum(['a', 'b']).optional(),
    });
    expect(envExample([{ title: 'all', settings }])).toBe(
      '# --- all ---\n\n# Where\nURL=\n\n# Port; 1 to 9\n# PORT=3\n\n# one of a, b\n# LEVEL=\n',
    );
  });
});
