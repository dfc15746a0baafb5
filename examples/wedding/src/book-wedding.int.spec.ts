import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workflowDefinition, type ServiceCallStep, type Step } from '@downbeat/contracts';
import { parse } from 'yaml';
import { participants } from './all-participants';
import { PARTICIPANT_NAMES } from './participant';

const text = readFileSync(join(__dirname, '..', 'book-wedding.yaml'), 'utf8');
const definition = workflowDefinition.parse(parse(text));

const calls = (steps: readonly Step[]): readonly ServiceCallStep[] =>
  steps.flatMap((step) => {
    if (step.type === 'parallel') return step.branches.flatMap((branch) => calls(branch.steps));
    return step.type === 'service_call' ? [step] : [];
  });

describe('the definition book-wedding', () => {
  it('has the steps of a wedding in their order', () =>
    expect(definition.steps.map(({ name }) => name)).toEqual([
      'hold-venue',
      'suppliers',
      'is-large-deposit',
      'cooling-off',
      'capture-deposit',
      'confirm-venue',
      'notify-couple',
    ]));

  it('calls operations that its services offer', () => {
    for (const { service_name, endpoint } of calls(definition.steps)) {
      const name = PARTICIPANT_NAMES.find((known) => known === service_name);
      expect(name && participants[name].operations.has(endpoint)).toBe(true);
    }
  });

  it('has an undo for each effect, which reads nothing that its step brings', () => {
    for (const { service_name, compensation_action: undo } of calls(definition.steps)) {
      expect(undo?.service_name).toBe(service_name);
      const name = PARTICIPANT_NAMES.find((known) => known === undo?.service_name);
      expect(name && undo && participants[name].operations.has(undo.endpoint)).toBe(true);
      for (const source of Object.values(undo?.input_mapping ?? {}))
        expect(source).toMatch(/^(booking\.|=')/);
    }
  });
});
