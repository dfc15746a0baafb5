import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtInRules } from '@downbeat/observability-domain';

const ROOT = join(__dirname, '..', '..', '..', '..', '..');

/** As GitHub makes them of headings. */
const anchorsOf = (page: string): readonly string[] =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );

describe('the runbook of what is built in', () => {
  it.each(Object.entries(builtInRules))('%s is a section that exists', (_, { runbook = '' }) => {
    const [page = '', anchor] = runbook.split('#');
    expect(anchorsOf(page)).toContain(anchor);
  });
});
