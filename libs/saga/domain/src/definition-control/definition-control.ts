import type { DataOf, sagaContract } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type PausedRuns = DataOf<typeof sagaContract.pauseDefinition>['runs'];

export type DefinitionControlCommand =
  | Command<'PauseDefinition', DataOf<typeof sagaContract.pauseDefinition>>
  | Command<'ResumeDefinition', DataOf<typeof sagaContract.resumeDefinition>>;

export type DefinitionPaused = Message<
  'DefinitionPaused',
  {
    readonly workflow_name: string;
    readonly reason: string;
    readonly runs: PausedRuns;
    /** Counts the pauses of this workflow; runs that were paused with it bear the number. */
    readonly pause_no: number;
    readonly at: Instant;
  }
>;
export type DefinitionResumed = Message<
  'DefinitionResumed',
  { readonly workflow_name: string; readonly pause_no: number; readonly at: Instant }
>;
export type DefinitionControlEvent = DefinitionPaused | DefinitionResumed;

/** What an operator has said about runs of one workflow. */
export interface DefinitionControl {
  /** Undefined: it is not paused. */
  readonly runs: PausedRuns | undefined;
  /** Of the last pause. */
  readonly pauseNo: number;
}

export const definitionControlStream = (workflowName: string): StreamName =>
  streamName('definition-control', workflowName);

/** Whether runs of a workflow may begin, all its versions alike. Asking for what holds is no change. */
export const definitionControl: Decider<
  DefinitionControl,
  DefinitionControlCommand,
  DefinitionControlEvent
> = {
  initialState: { runs: undefined, pauseNo: 0 },

  decide({ type, data, at }, { runs: before, pauseNo }) {
    const { workflow_name } = data;
    switch (type) {
      case 'PauseDefinition': {
        const { reason, runs } = data;
        if (before === runs) return [];
        const pause_no = pauseNo + 1;
        return [{ type: 'DefinitionPaused', data: { workflow_name, reason, runs, pause_no, at } }];
      }
      case 'ResumeDefinition':
        return before === undefined
          ? []
          : [{ type: 'DefinitionResumed', data: { workflow_name, pause_no: pauseNo, at } }];
    }
  },

  evolve(_, { type, data }) {
    switch (type) {
      case 'DefinitionPaused':
        return { runs: data.runs, pauseNo: data.pause_no };
      case 'DefinitionResumed':
        return { runs: undefined, pauseNo: data.pause_no };
    }
  },
};

/** Why a run does not begin; it is not kept for later. */
export const definitionPaused = (workflowName: string): Rejection =>
  new Rejection(
    'definition-paused',
    `${workflowName} is paused, and no run of it begins until it is resumed`,
  );
