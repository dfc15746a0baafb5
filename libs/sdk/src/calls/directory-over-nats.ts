import { registryContract, validate } from '@downbeat/contracts';
import type { DirectoryQuestion, DirectorySource } from '@downbeat/discovery';
import { Rejection } from '@downbeat/eventsourcing';
import type { NatsLink } from '../nats/nats-link';
import { askSuite } from '../nats/suite-requests';

const ASK_TIMEOUT_MS = 2_000;
const { directory, DIRECTORY_PUSH } = registryContract;

/** The registry did not answer, or not in a way that is known. */
class DirectoryUnknown extends Error {
  override readonly name = 'DirectoryUnknown';
  readonly code = 'sdk/directory-unknown';
}

/** The registry's directory: asked for, and heard of. */
export class DirectoryOverNats implements DirectorySource {
  constructor(private readonly link: NatsLink) {}

  async ask(input: DirectoryQuestion): Promise<registryContract.DirectoryPage> {
    const outcome = await askSuite(this.link, directory, input, ASK_TIMEOUT_MS);
    if (outcome.kind === 'unheard') throw new DirectoryUnknown(outcome.reason);
    if (outcome.kind === 'refused') throw new DirectoryUnknown(outcome.message);
    const page = validate(directory.answer, outcome.said);
    if (page instanceof Rejection) throw new DirectoryUnknown(page.message);
    return page.value;
  }

  onPush(listener: (push: unknown) => void): () => void {
    return this.link.subscribe(DIRECTORY_PUSH, ({ body }) => listener(JSON.parse(body)));
  }
}
