import { StreamVersionConflict, type Append, type LeaseUse } from '@downbeat/event-store';
import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { TargetCaller, type CallContext } from '@downbeat/saga-service/testing';
import type { Site } from '../world/mutation';
import { LeasesWrapper, StoreWrapper } from './store-wrapper';
import type { Tooth } from './tooth';

/** The lease of whoever holds the stream, whoever asks. */
function leaseOfHolder({ world }: Site, { stream, lease }: Append): { readonly lease?: LeaseUse } {
  const holder = world.log.holders.get(stream);
  if (!lease || !holder) return {};
  const { owner, epoch } = holder;
  return { lease: { use: lease.use === 'release' ? 'release' : 'hold', owner, epoch } };
}

const known = new WeakMap<Site['process'], Map<string, number>>();

/** The epoch in which a process has appended to a stream last. */
function epochsKnownTo({ process }: Site): Map<string, number> {
  const epochs = known.get(process) ?? new Map<string, number>();
  known.set(process, epochs);
  return epochs;
}

const DUE_AFTER_TAKE_OVER_MS = 200;
/** Of what a replica repeats at all times. */
const PERIODS: ReadonlySet<number> = new Set([0, 500, 750, 10_000]);

/** Bugs in how a decision meets the world. */
export const WRONG_PORTS: readonly Tooth[] = [
  {
    name: 'epoch-not-checked',
    says: 'an append is accepted from whoever sends it',
    mutation: {
      store: (store, site) =>
        new StoreWrapper(store, (append) =>
          store.append({ ...append, ...leaseOfHolder(site, append) }),
        ),
    },
  },
  {
    name: 'key-changed-on-retry',
    says: 'each attempt has a key of its own',
    mutation: {
      targets: (targets) =>
        new TargetsWrapper((effect, context) =>
          targets.call(
            effect.attempt > 1 ? { ...effect, key: `${effect.key}:${effect.attempt}` } : effect,
            context,
          ),
        ),
    },
  },
  {
    name: 'timer-lost-at-take-over',
    says: 'timers of a run that was taken over are not set again',
    mutation: {
      isTimerKept: (ms, { world, process }) => {
        const tookOverAt = world.tookOverAt.get(process);
        const isRecent =
          tookOverAt !== undefined && world.time.now - tookOverAt < DUE_AFTER_TAKE_OVER_MS;
        return !isRecent || PERIODS.has(ms);
      },
    },
  },
  {
    name: 'effect-before-its-append',
    says: 'what follows from an append is done before it is committed',
    mutation: {
      store: (store) =>
        new StoreWrapper(store, async (append) => {
          store.append(append).catch(() => undefined);
          const version = append.expected + append.events.length;
          const answer = append.command && { answer: append.command.answer };
          return { version, position: 1, repeated: false, ...answer };
        }),
    },
  },
  {
    name: 'lease-released-too-early',
    says: 'a run is given up when its compensation begins',
    mutation: {
      store: (store) =>
        new StoreWrapper(store, (append) => {
          const { lease } = append;
          const isEarly = append.events.some(({ type }) => type === 'CompensationStarted');
          if (lease?.use !== 'hold' || !isEarly) return store.append(append);
          return store.append({ ...append, lease: { ...lease, use: 'release' } });
        }),
    },
  },
  {
    name: 'stale-state-after-a-conflict',
    says: 'after a conflict the same events are appended behind the others',
    mutation: {
      store: (store, site) =>
        new StoreWrapper(store, async (append) => {
          try {
            return await store.append(append);
          } catch (fault) {
            if (!(fault instanceof StreamVersionConflict)) throw fault;
            const expected = fault.actual ?? append.expected;
            return store.append({ ...append, ...leaseOfHolder(site, append), expected });
          }
        }),
    },
  },
  {
    name: 'command-id-forgotten',
    says: 'a command that comes twice is carried out twice',
    mutation: {
      store: (store) =>
        new StoreWrapper(store, ({ command: _, ...append }) => store.append(append)),
    },
  },
  {
    name: 'late-answer-of-an-abandoned-call',
    says: 'the late answer to an earlier attempt is taken for that of the next',
    shownBy: 83,
    mutation: { targets: (targets, site) => takingLateAnswers(targets, site) },
  },
  {
    name: 'lease-used-when-it-has-run-out',
    says: 'a replica does not notice that others have its runs',
    mutation: {
      // A clock that stands still makes every lease last.
      monotonic: () => 0,
      clock: (_, { world }) => ({ now: () => Math.floor(world.time.now) }),
    },
    shownBy: 693,
  },
  {
    name: 'run-forgotten-at-take-over',
    says: 'the first of the runs taken over is not gone on with',
    mutation: {
      leases: (leases) =>
        new LeasesWrapper(leases, {
          takeOver: async (owner, limit) => (await leases.takeOver(owner, limit)).slice(1),
        }),
    },
  },
  {
    name: 'epoch-of-before',
    says: 'a run that comes back to a replica is held in the epoch that it had there before',
    shownBy: 61,
    mutation: {
      store: (store, site) =>
        new StoreWrapper(store, (append) => {
          if (append.lease) epochsKnownTo(site).set(append.stream, append.lease.epoch);
          return store.append(append);
        }),
      leases: (leases, site) =>
        new LeasesWrapper(leases, {
          takeOver: async (owner, limit) =>
            (await leases.takeOver(owner, limit)).map(({ stream, epoch }) => ({
              stream,
              epoch: epochsKnownTo(site).get(stream) ?? epoch,
            })),
        }),
    },
  },
  {
    name: 'run-at-rest-kept-for-nobody',
    says: 'a run at rest that was taken for an operator, without a word of it, is not given back',
    shownBy: 14,
    mutation: {
      store: (store) =>
        new StoreWrapper(store, async (append) => {
          const { events, lease } = append;
          const isGivenBack = events.length === 0 && lease?.use === 'release';
          if (!isGivenBack) return store.append(append);
          return { version: append.expected, position: 1, repeated: false };
        }),
    },
  },
  {
    name: 'gives-up-at-the-first-fault',
    says: 'what failed once is not tried again',
    mutation: { pause: () => new Promise(() => undefined) },
  },
  {
    name: 'clock-of-the-machine-trusted',
    says: "timers go by the machine's clock",
    mutation: { clock: () => ({ now: () => Date.now() }) },
  },
];

class TargetsWrapper extends TargetCaller {
  constructor(override readonly call: TargetCaller['call']) {
    super();
  }
}

const TIMEOUT: CallResult = { kind: 'timeout', message: 'no answer' };
const PATIENCE = 10;

/** A call that timed out is not cut off; whoever waits under its key gets what comes in the end. */
function takingLateAnswers(targets: TargetCaller, { world, process }: Site): TargetCaller {
  const waiting = new Map<string, (result: CallResult | undefined) => void>();
  return new TargetsWrapper((effect: CallEffect, context: CallContext) => {
    const { key, timeoutMs } = effect;
    const patient = targets.call({ ...effect, timeoutMs: timeoutMs * PATIENCE }, context);
    return new Promise((resolve) => {
      waiting.set(key, resolve);
      void patient.then((result) => waiting.get(key)?.(result));
      world.time.after(timeoutMs, process, () => {
        world.books.tell(context.correlationId, effect, TIMEOUT);
        resolve(TIMEOUT);
      });
    });
  });
}
