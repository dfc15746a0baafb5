/**
 * What the caller put into a request is no header, path or method (undici's `InvalidArgumentError`): nothing
 * was sent, and it says nothing about the target.
 */
export const isUnsendable = (failure: unknown): boolean =>
  typeof failure === 'object' &&
  failure !== null &&
  'code' in failure &&
  failure.code === 'UND_ERR_INVALID_ARG';
