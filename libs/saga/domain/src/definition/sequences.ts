import type { Step } from '@downbeat/contracts';

/** A sequence of steps inside a step. */
export interface InnerSequence {
  readonly steps: readonly Step[];
  /** Below the path of the step it stands in. */
  readonly path: string;
  /** Of a parallel step: the branch. */
  readonly branch: string | undefined;
}

/** The sequences a step holds: the branches of a parallel step, what a map does for each item. */
export function innerSequences(step: Step): readonly InnerSequence[] {
  switch (step.type) {
    case 'parallel':
      return step.branches.map(({ name, steps }, index) => ({
        steps,
        path: `branches.${index}.steps`,
        branch: name,
      }));
    case 'map':
      return [{ steps: step.steps, path: 'steps', branch: undefined }];
    case 'service_call':
    case 'decision':
    case 'delay':
    case 'wait_for_signal':
    case 'publish':
    case 'sub_workflow':
      return [];
  }
}
