import { versionOf, type Run } from '@downbeat/saga-domain';
import type { Generated } from './generated-definition';

/** Every version of every workflow that was registered. */
export class KnownDefinitions {
  private readonly byName = new Map<string, Map<string, Generated>>();

  add(generated: Generated): void {
    const { name, version } = generated.definition;
    const versions = this.byName.get(name) ?? new Map<string, Generated>();
    this.byName.set(name, versions.set(version, generated));
  }

  get names(): readonly string[] {
    return [...this.byName.keys()];
  }

  find(name: string, version: string): Generated | undefined {
    return this.byName.get(name)?.get(version);
  }

  /** In the order in which they were registered. */
  versionsOf(name: string): readonly string[] {
    return [...(this.byName.get(name)?.keys() ?? [])];
  }

  /** What a run goes by. */
  of(run: Run): Generated | undefined {
    return this.find(run.started.workflow_name, versionOf(run));
  }
}
