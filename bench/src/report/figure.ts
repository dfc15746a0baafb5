import { median, rounded } from '../measure/statistics';

/** A bound of ARCHITECTURE 8. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

/** One thing that was measured, in some rounds. */
export interface Figure {
  readonly part: string;
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
  readonly target?: Target;
}

export function figure(
  part: string,
  name: string,
  unit: string,
  values: readonly number[],
  target?: Target,
): Figure {
  if (values.length === 0 || values.some((value) => !Number.isFinite(value)))
    throw new Error(`${part}, ${name}: no figure can be made of [${values.join(', ')}]`);
  return {
    part,
    name,
    unit,
    median: rounded(median(values)),
    min: rounded(Math.min(...values)),
    max: rounded(Math.max(...values)),
    rounds: values.length,
    ...(target && { target }),
  };
}

export const targetText = (target: Target): string =>
  'atMost' in target ? `≤ ${spaced(target.atMost)}` : `≥ ${spaced(target.atLeast)}`;

/** Whether the median is within the target. */
export const isReached = ({ median, target }: Figure): boolean =>
  target === undefined || ('atMost' in target ? median <= target.atMost : median >= target.atLeast);

/** `12,345`. */
export const spaced = (value: number): string => value.toLocaleString('en-US');
