import { epochMs, type Instant } from '@downbeat/eventsourcing';
import {
  breakerControl,
  breakerDefaults,
  breakerReports,
  type BreakerCommand,
  type BreakerControlEvent,
  type BreakerDefaultsCommand,
  type BreakerDefaultsEvent,
  type BreakerReport,
  type BreakerReportsCommand,
  type BreakerReportsEvent,
} from '@downbeat/health-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const breakerReplayer: Replayer = {
  context: 'health',
  begin: () => new DeciderReplay(breakerControl, ([event]) => event && orderOf(event)),
};

function orderOf({ type, data }: BreakerControlEvent): BreakerCommand {
  const { breaker_id, service_name, target_service, endpoint_pattern, at } = data;
  const named = { breaker_id, service_name, target_service, endpoint_pattern };
  switch (type) {
    case 'BreakerCreated':
      return { type: 'CreateBreaker', data: { ...named, settings: data.settings }, at };
    case 'BreakerChanged':
      return { type: 'ChangeBreaker', data: { ...named, settings: data.settings }, at };
    case 'BreakerRemoved':
      return { type: 'RemoveBreaker', data: named, at };
    case 'BreakerResetOrdered': {
      const { reason, force } = data;
      return { type: 'ResetBreaker', data: { ...named, reason, force }, at };
    }
    case 'BreakerForceOrdered': {
      const { mode, reason, until } = data;
      const expires_in_seconds = (epochMs(until) - epochMs(at)) / 1_000;
      return { type: 'ForceBreaker', data: { ...named, mode, reason, expires_in_seconds }, at };
    }
    case 'BreakerReleaseOrdered':
      return { type: 'ReleaseBreaker', data: { ...named, reason: data.reason }, at };
  }
}

export const breakerDefaultsReplayer: Replayer = {
  context: 'health',
  begin: () => new DeciderReplay(breakerDefaults, ([event]) => event && settingOf(event)),
};

function settingOf({ type, data }: BreakerDefaultsEvent): BreakerDefaultsCommand {
  switch (type) {
    case 'BreakerDefaultsSet':
      return { type: 'SetDefaults', data: { settings: data.settings }, at: data.at };
    case 'BreakerDefaultsRemoved':
      return { type: 'RemoveDefaults', data: {}, at: data.at };
  }
}

export const breakerReportsReplayer: Replayer = {
  context: 'health',
  begin: () => new DeciderReplay(breakerReports, reportOf),
};

/** A report is told whole: each transition by an event of its own, all else by the last one. */
function reportOf(events: readonly BreakerReportsEvent[]): BreakerReportsCommand | undefined {
  const last = events.at(-1);
  if (last?.type !== 'BreakersCounted') return undefined;
  const { reported_at: at, ...counted } = last.data;
  const breakers = counted.breakers.map((one) => ({
    ...one,
    transitions: events.flatMap((event) =>
      event.type === 'BreakerTransitioned' && event.data.breaker_id === one.breaker_id
        ? [transitionOf(event.data)]
        : [],
    ),
  }));
  return { type: 'ReportBreakers', data: { ...counted, breakers }, at: at as Instant };
}

type Transition = BreakerReport['breakers'][number]['transitions'][number];

const transitionOf = ({ at, from, to, mode, until, cause }: Transition): Transition => ({
  at,
  from,
  to,
  mode,
  cause,
  ...(until !== undefined && { until }),
});
