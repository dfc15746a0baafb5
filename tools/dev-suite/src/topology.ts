import { join } from 'node:path';

/** One Node process of the suite: what to run, and what it may know. */
export interface AppPlan {
  readonly name: string;
  /** Compiled entry file, absolute. */
  readonly main: string;
  readonly args?: readonly string[];
  /** It gets the database role of each of these, and of no other. */
  readonly contexts: readonly string[];
  /** `gateway`: the port the world knows. `free`: whichever is free. */
  readonly port: 'gateway' | 'free';
  /** Answers 200 when the process can do its work. */
  readonly readyPath: string;
  /** Processes of a lower stage start first and stop last. */
  readonly stage: 'app' | 'gateway' | 'demo';
}

/** The stages in the order of their start. */
export const STAGES = ['app', 'gateway', 'demo'] as const;

/** Everything that `npm start` runs beside PostgreSQL and nats-server. */
export function topology(workspace: string): readonly AppPlan[] {
  const app = (name: string, contexts: readonly string[]): AppPlan => ({
    name,
    main: join(workspace, 'apps', name, 'dist', 'main.js'),
    contexts,
    port: 'free',
    readyPath: '/health/ready',
    stage: 'app',
  });
  const demo = (name: string): AppPlan => ({
    name,
    main: join(workspace, 'examples', 'wedding', 'dist', 'main.js'),
    args: [name],
    contexts: [],
    port: 'free',
    readyPath: '/health',
    stage: 'demo',
  });
  return [
    app('registry', ['registry']),
    app('health', ['health', 'observability']),
    app('saga', ['saga']),
    app('orchestrator', ['messaging', 'audit']),
    { ...app('gateway', []), port: 'gateway', stage: 'gateway' },
    demo('venue'),
    demo('catering'),
    demo('photographer'),
    demo('payment'),
    demo('notification'),
  ];
}
