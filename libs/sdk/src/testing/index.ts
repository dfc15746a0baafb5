export type { JsonValue } from './json-value';
export type { PlayedCall, PlayedRun } from './played-run';
export {
  answers,
  breaksOff,
  isDown,
  isSilent,
  refuses,
  type ScriptedAnswer,
} from './scripted-answer';
export { DefinitionRefused, givenWorkflow, type WorkflowTest } from './workflow-test';
