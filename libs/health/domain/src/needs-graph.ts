import type { Need } from './service-needs';

const NONE: ReadonlySet<string> = new Set();

/** Who needs whom, to be asked from both ends. */
export class NeedsGraph {
  private readonly needs = new Map<string, readonly Need[]>();
  private readonly dependents = new Map<string, Set<string>>();

  needsOf(service: string): readonly Need[] {
    return this.needs.get(service) ?? [];
  }

  /** Those that cannot work without it. */
  dependentsOf(service: string): ReadonlySet<string> {
    return this.dependents.get(service) ?? NONE;
  }

  set(service: string, needs: readonly Need[]): void {
    for (const needed of required(this.needsOf(service))) this.unlink(needed, service);
    if (needs.length === 0) this.needs.delete(service);
    else this.needs.set(service, needs);
    for (const needed of required(needs)) this.link(needed, service);
  }

  private link(needed: string, dependent: string): void {
    const all = this.dependents.get(needed);
    if (all) all.add(dependent);
    else this.dependents.set(needed, new Set([dependent]));
  }

  private unlink(needed: string, dependent: string): void {
    const all = this.dependents.get(needed);
    all?.delete(dependent);
    if (all?.size === 0) this.dependents.delete(needed);
  }
}

const required = (needs: readonly Need[]): string[] =>
  needs.filter((need) => need.required).map((need) => need.service_name);
