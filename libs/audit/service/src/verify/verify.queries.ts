import { auditContract, type InputOf } from '@downbeat/contracts';
import { AuditLog, verifyChain } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { ChainHeads } from '../chain-heads/chain-heads';
import { compareHeads } from '../chain-heads/compare-heads';
import { HeavyWork } from '../heavy-work';
import { ReadModelVerifier } from './read-model-verifier';

const { verify } = auditContract;

/** Answers "was anything altered": the chain of the log, its heads kept elsewhere, a read model against its rebuild. */
@Controller()
export class VerifyQueries {
  constructor(
    private readonly log: AuditLog,
    private readonly heads: ChainHeads,
    private readonly readModels: ReadModelVerifier,
    private readonly heavyWork: HeavyWork,
  ) {}

  @Answers(verify)
  async verify({ input }: Question<InputOf<typeof verify>>) {
    return this.heavyWork.run(() => this.both(input));
  }

  /** The read model first: a name that nobody knows costs no walk through the log. */
  private async both({ read_model, from_commit }: InputOf<typeof verify>) {
    const isAll = read_model === 'all';
    const readModels = isAll ? await this.readModels.verifyAll() : undefined;
    const readModel =
      isAll || read_model === undefined ? undefined : await this.readModels.verify(read_model);
    if (readModel instanceof Rejection) return readModel;
    const chain = await verifyChain(this.log, { fromCommit: from_commit ?? 1 });
    const { firstBrokenCommit, detail } = chain;
    const publishedHeads = await compareHeads(this.log, this.heads);
    return {
      position: (await this.log.headCommit())?.last ?? 0,
      data: {
        hash_chain: {
          is_intact: chain.isIntact,
          commits: chain.commits,
          events: chain.events,
          head: chain.head,
          ...(firstBrokenCommit === undefined ? {} : { first_broken_commit: firstBrokenCommit }),
          ...(detail === undefined ? {} : { detail }),
        },
        published_heads: publishedHeads,
        ...(readModel ? { read_model: readModel } : {}),
        ...(readModels ? { read_models: readModels } : {}),
      },
    };
  }
}
