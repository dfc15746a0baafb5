import type { IncomingMessage, ServerResponse } from 'node:http';
import { openStory, type Story } from '@downbeat/message-bus';

/** A request as its line in the log tells of it. */
export interface RequestStory extends Story {
  /** Code of the problem it was answered with. */
  problem?: string;
}

const stories = new WeakMap<IncomingMessage, RequestStory>();

/** Handles a request as a story of its own, which ends with the response. */
export function tellRequest(
  request: IncomingMessage,
  response: ServerResponse,
  story: RequestStory,
  handle: () => void,
): void {
  stories.set(request, story);
  response.once('close', openStory(story, handle));
}

export const storyOfRequest = (request: IncomingMessage): RequestStory | undefined =>
  stories.get(request);
