import { validate, workflowDefinition, type Step } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { compileDefinition } from '@downbeat/saga-domain';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

/** Types of steps a definition may have. */
const TYPES: readonly Step['type'][] = [
  'service_call',
  'decision',
  'delay',
  'wait_for_signal',
  'publish',
  'sub_workflow',
  'parallel',
  'map',
];

const page = readFileSync(resolve(__dirname, '../../../../../docs/workflows.md'), 'utf8');
const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => {
  const definition = parse(text) as { readonly name: string };
  return [definition.name, definition] as const;
});

/** As a reader would send it, defaults left out. */
function compile(example: unknown) {
  const valid = validate(workflowDefinition, example);
  return valid instanceof Rejection ? valid : compileDefinition(valid.value);
}

describe('the page on definitions', () => {
  it.each(examples)('has an example that compiles: %s', (_, example) => {
    const compiled = compile(example);
    expect(compiled instanceof Rejection ? compiled.errors : []).toEqual([]);
  });

  it.each(TYPES)('explains %s, with an example of it', (type) => {
    expect(page).toContain(`\n## ${type}\n`);
    const section = page.split(`\n## ${type}\n`)[1]?.split('\n## ')[0] ?? '';
    expect(section).toContain(`type: ${type}`);
  });

  it('names each example once', () => {
    expect(new Set(examples.map(([name]) => name)).size).toBe(examples.length);
  });
});
