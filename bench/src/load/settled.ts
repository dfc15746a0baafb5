import { setTimeout as pause } from 'node:timers/promises';
import type { RunClient } from './run-client';

const SETTLED_MS_MAX = 60_000;
const ASK_EVERY_MS = 50;

export interface ContextStatus {
  readonly projections: readonly {
    readonly name: string;
    readonly state: string;
    readonly position: number;
    readonly lag: number;
  }[];
  readonly relay?: { readonly numbered: number; readonly sent: number };
}

export const sagaStatus = (client: RunClient): Promise<ContextStatus> =>
  client.ask<ContextStatus>('query.saga.status');

/** Returns when the saga app has projected and published everything up to a position of the log. */
export async function settled(client: RunClient, position: number): Promise<void> {
  const deadline = Date.now() + SETTLED_MS_MAX;
  for (;;) {
    const { projections, relay } = await sagaStatus(client);
    const isProjected = projections.every(
      (one) => one.state === 'live' && one.position >= position,
    );
    if (isProjected && relay?.numbered === relay?.sent) return;
    if (Date.now() > deadline) throw new Error('the suite does not come to rest');
    await pause(ASK_EVERY_MS);
  }
}
