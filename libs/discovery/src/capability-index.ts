import type { registryContract } from '@downbeat/contracts';
import { capable } from './capable';

type Entry = registryContract.DirectoryEntry;

/** Who is looked for: those that have a capability, in a version of the range, in an environment. */
export interface CapabilityQuestion {
  readonly capability: string;
  readonly range: string | undefined;
  readonly environment: Entry['environment'];
}

/** A question that was asked, and what is found: each entry as {@link capable} has it. */
interface Answer {
  readonly question: CapabilityQuestion;
  readonly parts: Map<string, Entry>;
  /** The parts, listed anew when one of them has changed. */
  entries: readonly Entry[];
}

/** Answers kept; one more, and all are forgotten. */
const ANSWERS_MAX = 1_000;

/**
 * Who has which capability. Answers are kept with each entry that changes, those alone that it has to
 * do with: asking again is a look into a map, right after a change too.
 */
export class CapabilityIndex {
  /** Entries by capability and service. */
  private readonly having = new Map<string, Map<string, Entry>>();
  /** By capability, then by the rest of the question. */
  private readonly answers = new Map<string, Map<string, Answer>>();
  private answerCount = 0;

  ask(question: CapabilityQuestion): readonly Entry[] {
    const { capability, range = '', environment = '' } = question;
    const key = `${environment} ${range}`;
    return (this.answers.get(capability)?.get(key) ?? this.find(question, key)).entries;
  }

  /** @param changes Each entry with the one that it takes the place of. */
  replace(changes: readonly (readonly [before: Entry | undefined, after: Entry])[]): void {
    const touched = new Set<Answer>();
    for (const [before, after] of changes) {
      const left = new Set(before && Object.keys(before.capability_versions));
      for (const capability of Object.keys(after.capability_versions)) {
        left.delete(capability);
        const having = this.having.get(capability) ?? new Map<string, Entry>();
        this.having.set(capability, having.set(after.service_name, after));
        this.tell(capability, after, touched);
      }
      for (const capability of left) {
        const having = this.having.get(capability);
        having?.delete(after.service_name);
        if (having?.size === 0) this.having.delete(capability);
        this.tell(capability, after, touched);
      }
    }
    for (const answer of touched) answer.entries = [...answer.parts.values()];
  }

  private tell(capability: string, entry: Entry, touched: Set<Answer>): void {
    for (const answer of this.answers.get(capability)?.values() ?? []) {
      const had = answer.parts.delete(entry.service_name);
      if (put(answer, entry) || had) touched.add(answer);
    }
  }

  private find(question: CapabilityQuestion, key: string): Answer {
    if (this.answerCount >= ANSWERS_MAX) {
      this.answers.clear();
      this.answerCount = 0;
    }
    const answer: Answer = { question, parts: new Map(), entries: [] };
    for (const entry of this.having.get(question.capability)?.values() ?? []) put(answer, entry);
    answer.entries = [...answer.parts.values()];
    const ofCapability = this.answers.get(question.capability) ?? new Map<string, Answer>();
    this.answers.set(question.capability, ofCapability.set(key, answer));
    this.answerCount++;
    return answer;
  }
}

/** @returns Whether the entry is among what is looked for. */
function put({ question, parts }: Answer, entry: Entry): boolean {
  const { capability, range, environment } = question;
  const isThere = environment === undefined || (entry.environment ?? environment) === environment;
  const found = isThere ? capable(entry, capability, range) : undefined;
  if (found) parts.set(entry.service_name, found);
  return found !== undefined;
}
