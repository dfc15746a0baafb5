import type { Problem } from '@downbeat/message-bus';
import { answerTag } from '../http/answer-tag';
import { writtenId, type ViewId } from './view-id';

/** A whole answer, and its bytes on the wire, made once for all clients. */
export interface ViewAnswer extends ViewId {
  readonly kind: 'answer';
  /** All of the frame but its event's name. */
  readonly frame: Buffer;
}

/** Why there is no answer at the moment, or any more. */
export interface ViewProblem {
  readonly kind: 'problem';
  readonly problem: Problem;
}

export type ViewNews = ViewAnswer | ViewProblem;

export function viewAnswer(position: number, data: unknown): ViewAnswer {
  const body = JSON.stringify(data);
  const tag = answerTag(body);
  const frame = Buffer.from(`id: ${writtenId({ position, tag })}\ndata: ${body}\n\n`);
  return { kind: 'answer', position, tag, frame };
}

const FINAL: ReadonlySet<Problem['kind']> = new Set(['not-found', 'gone', 'invalid']);

/** Whether asking again cannot help: what was asked for is not there any more, or cannot be asked like this. */
export const isFinal = ({ problem }: ViewProblem): boolean => FINAL.has(problem.kind);
