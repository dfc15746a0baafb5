import {
  canonicalJson,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Json,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { builtInRules } from './built-in-rules';
import type { AlertRuleDefinition } from './words';

/** A rule as it is evaluated. */
export type AlertRule = AlertRuleDefinition & { readonly rule_id: string };

interface Named {
  readonly rule_id: string;
}
interface Guarded extends Named {
  readonly expected_version?: number | undefined;
}
interface Said extends Named {
  readonly definition: AlertRuleDefinition;
  readonly at: Instant;
}

export type AlertRuleCommand =
  | Command<'PutAlertRule', Guarded & { readonly definition: AlertRuleDefinition }>
  | Command<'RemoveAlertRule', Guarded>;

export type AlertRuleDefined = Message<'AlertRuleDefined', Said>;
export type AlertRuleChanged = Message<'AlertRuleChanged', Said>;
export type AlertRuleRemoved = Message<'AlertRuleRemoved', Named & { readonly at: Instant }>;
export type AlertRuleEvent = AlertRuleDefined | AlertRuleChanged | AlertRuleRemoved;

export interface AlertRuleState {
  /** Grows with each event, those of removals included. */
  readonly version: number;
  /** Absent: nobody has said anything of it, or it was removed. */
  readonly definition: AlertRuleDefinition | undefined;
}

export const alertRuleStream = (ruleId: string): StreamName => streamName('alert-rule', ruleId);

/** When people are to be alerted. One that is built in is there before anybody says anything of it. */
export const alertRule: Decider<AlertRuleState, AlertRuleCommand, AlertRuleEvent> = {
  initialState: { version: 0, definition: undefined },

  decide(command, state) {
    const { rule_id, expected_version } = command.data;
    if (expected_version !== undefined && expected_version !== state.version)
      return versionConflict('alert-rule', rule_id, expected_version, state.version);
    switch (command.type) {
      case 'PutAlertRule':
        return put(command.data, command.at, state);
      case 'RemoveAlertRule':
        return state.definition
          ? [{ type: 'AlertRuleRemoved', data: { rule_id, at: command.at } }]
          : unknownRule(rule_id);
    }
  },

  evolve({ version }, event) {
    switch (event.type) {
      case 'AlertRuleDefined':
      case 'AlertRuleChanged':
        return { version: version + 1, definition: event.data.definition };
      case 'AlertRuleRemoved':
        return { version: version + 1, definition: undefined };
    }
  },
};

function put(
  { rule_id, definition }: Omit<Said, 'at'>,
  at: Instant,
  state: AlertRuleState,
): readonly AlertRuleEvent[] | Rejection {
  const { condition, severity_steps } = definition;
  const isUpwards = condition.comparison === 'above' || condition.comparison === 'at_least';
  if (severity_steps && severity_steps.length > 0 && !isUpwards) {
    const message = 'need a condition with above or at_least';
    return new Rejection('invalid-alert-rule', `severity_steps ${message}`, 'invalid', [
      { field: 'severity_steps', message },
    ]);
  }
  const before = state.definition ?? builtInRules[rule_id];
  if (state.definition && isSame(state.definition, definition)) return [];
  const data = { rule_id, definition, at };
  return [{ type: before ? 'AlertRuleChanged' : 'AlertRuleDefined', data }];
}

const isSame = (one: AlertRuleDefinition, other: AlertRuleDefinition): boolean =>
  canonicalJson(one as unknown as Json) === canonicalJson(other as unknown as Json);

export function unknownRule(rule_id: string): Rejection {
  const isBuiltIn = Object.hasOwn(builtInRules, rule_id);
  const message = isBuiltIn
    ? `${rule_id} is built in and was not changed; it can be turned off with is_enabled`
    : `there is no alert rule ${rule_id}`;
  return new Rejection('alert-rule-unknown', message, 'not-found');
}

export function versionConflict(
  what: string,
  id: string,
  expected: number,
  version: number,
): Rejection {
  const message = `must be ${version}: it was changed since version ${expected}`;
  return new Rejection(`${what}-changed`, `expected_version of ${id} ${message}`, 'conflict', [
    { field: 'expected_version', message },
  ]);
}
