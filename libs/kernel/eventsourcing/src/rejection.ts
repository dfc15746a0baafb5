/**
 * What a refusal is about: something that does not exist, or not any more, something that stands
 * against it, or a request that is wrong in itself.
 */
export type RejectionKind = 'not-found' | 'gone' | 'conflict' | 'invalid';

/** One place of the request that is wrong. `field` is a dot path: `steps.2.endpoint`. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** A rule said no. Returned, never thrown; an answer, so asking again does not change it. */
export class Rejection {
  constructor(
    /** Kebab-case and stable: part of the public interface. */
    readonly code: string,
    /** One sentence for the person who asked. */
    readonly message: string,
    readonly kind: RejectionKind = 'conflict',
    readonly errors: readonly FieldError[] = [],
  ) {}
}
