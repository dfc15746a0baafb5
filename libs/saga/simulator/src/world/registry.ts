import { instantOf } from '@downbeat/eventsourcing';
import { workflowDefinitionStream } from '@downbeat/saga-domain';
import type { Generated } from '../definitions/generated-definition';
import { otherVersion, repairedVersion } from '../definitions/other-version';
import type { World } from './world';

const LATER_VERSIONS = ['1.1.0', '1.2.0'];
const REPAIRS_MAX = 6;

/** Those who register definitions, and later other versions of them. */
export class Registry {
  /** In the order in which they would come. */
  private repairs = 0;
  private readonly ahead: { readonly base: Generated; readonly version: string }[];

  constructor(
    private readonly world: World,
    private readonly generated: readonly Generated[],
  ) {
    this.ahead = LATER_VERSIONS.flatMap((version) =>
      generated.map((base) => ({ base, version })),
    ).toReversed();
  }

  async first(): Promise<void> {
    for (const definition of this.generated) await this.register(definition);
  }

  /** Makes and registers the next version of some workflow, as long as there are any. */
  next(): void {
    const { world } = this;
    const next = this.ahead.pop();
    if (!next) return;
    const { base, version } = next;
    void this.register(otherVersion(world.options.seed, base, version));
  }

  /** @returns The version in which that step is right; undefined: there is none. */
  repair(base: Generated, step: Parameters<typeof repairedVersion>[2]): string | undefined {
    if (this.repairs >= REPAIRS_MAX) return undefined;
    const repaired = repairedVersion(base, `1.3.${this.repairs + 1}`, step);
    if (!repaired) return undefined;
    this.repairs++;
    void this.register(repaired);
    return repaired.definition.version;
  }

  private async register(generated: Generated): Promise<void> {
    const { world } = this;
    const { definition } = generated;
    const { name, version } = definition;
    const { length: expected } = world.known.versionsOf(name);
    world.known.add(generated);
    const at = instantOf(world.time.now);
    const data = { name, version, checksum: checksumOf(name, version), definition, at };
    await world.store.append({
      stream: workflowDefinitionStream(name),
      expected,
      events: [{ type: 'WorkflowDefinitionRegistered', data }],
      meta: { correlation_id: name, causation_id: name, actor: 'shop' },
    });
    if (world.isTold) world.say('', `definition ${JSON.stringify(definition)}`);
  }
}

export const checksumOf = (name: string, version: string): string => `${name}@${version}`;
