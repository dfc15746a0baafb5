import type { JsonValue } from './json-value';

/** What a service does when it is called: at once, or after so many milliseconds of virtual time. */
export type ScriptedAnswer = { readonly afterMs?: number } & (
  | { readonly kind: 'answers'; readonly output: JsonValue }
  | {
      readonly kind: 'refuses';
      readonly status: number;
      readonly message: string;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'is-silent' }
  | { readonly kind: 'is-down' }
  | { readonly kind: 'breaks-off' }
);

interface Timing {
  /** How long it takes, in milliseconds; default 0. */
  readonly afterMs?: number;
}

/** 200 with this body. */
export const answers = (output: JsonValue = {}, timing: Timing = {}): ScriptedAnswer => ({
  kind: 'answers',
  output,
  ...timing,
});

/** Any other status. 4xx but 408, 425 and 429 are failures for sure; 5xx are called again. */
export const refuses = (
  status: number,
  message = '',
  timing: Timing & { readonly retryAfterMs?: number } = {},
): ScriptedAnswer => ({ kind: 'refuses', status, message, ...timing });

/** No answer within the step's time-out: nobody knows whether it took effect. */
export const isSilent = (): ScriptedAnswer => ({ kind: 'is-silent' });

/** The connection is refused: nothing was sent. */
export const isDown = (timing: Timing = {}): ScriptedAnswer => ({ kind: 'is-down', ...timing });

/** The connection breaks after the request was sent: nobody knows whether it took effect. */
export const breaksOff = (timing: Timing = {}): ScriptedAnswer => ({
  kind: 'breaks-off',
  ...timing,
});
