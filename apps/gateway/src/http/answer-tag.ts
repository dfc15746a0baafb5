import { createHash } from 'node:crypto';

const TAG_CHARS = 22;

/** Stands for the body of an answer: the same body has the same tag, on every gateway. */
export const answerTag = (body: string): string =>
  createHash('sha256').update(body).digest('base64url').slice(0, TAG_CHARS);
