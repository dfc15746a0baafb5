import { randomUUID } from 'node:crypto';
import { registryContract, validate } from '@downbeat/contracts';
import { Rejection, type Json } from '@downbeat/eventsourcing';
import { z } from 'zod';
import type { NatsLink } from '../nats/nats-link';
import { askSuite, commandSuite, type SuiteOutcome } from '../nats/suite-requests';
import {
  RegistryRefused,
  RegistrySilent,
  type Acknowledgement,
  type Asked,
  type ConfigurationNews,
  type ConfigurationSource,
  type InForce,
  type NotInForce,
  type Owner,
} from './configuration-source';
import { newBoxKey } from './sealed-box';

const ASK_TIMEOUT_MS = 5_000;
const TELL_TIMEOUT_MS = 10_000;
/** What is said when nothing is in force. */
const NOT_IN_FORCE: ReadonlyMap<string, NotInForce> = new Map([
  ['no-configuration-in-force', 'none'],
  ['configuration-not-in-history', 'not-in-history'],
]);
const { instanceConfiguration } = registryContract;

const news = z.object({
  service_id: z.string(),
  environment: z.string(),
  position: z.number().int().min(0),
});

type Link = Pick<NatsLink, 'request' | 'subscribe' | 'onConnected'>;

/** Asks with a fresh key each time, so that the answer is for this question's eyes only. */
export class RegistryOverNats implements ConfigurationSource {
  constructor(
    private readonly link: Link,
    private readonly owner: Owner,
  ) {}

  async ask({ min_position, ...asked }: Asked): Promise<InForce | NotInForce> {
    const key = newBoxKey();
    const input = { ...this.owner, ...asked, public_key: key.publicKey };
    const as = { min_position, askedFor: this.owner.service_id };
    const outcome = await askSuite(this.link, instanceConfiguration, input, ASK_TIMEOUT_MS, as);
    const absence = outcome.kind === 'refused' && notInForce(outcome.code, input);
    if (absence) return absence;
    const answer = validate(instanceConfiguration.answer, saidIn(outcome));
    if (answer instanceof Rejection) throw new RegistryRefused(answer.message);
    const { config_version, checksum, activation, sealed, secrets = [] } = answer.value;
    if (!sealed) return { config_version, checksum, activation };
    const document = documentIn(key.open(sealed, checksum));
    const offer = { config_version, checksum, document, secrets };
    return { config_version, checksum, activation, offer };
  }

  async acknowledge(said: Omit<Acknowledgement, keyof Owner>): Promise<void> {
    const { instance_id: subjectId } = said;
    const ids = { subjectId, commandId: randomUUID(), actor: this.owner.service_id };
    const data = { ...this.owner, ...said };
    const { acknowledgeConfiguration } = registryContract;
    saidIn(await commandSuite(this.link, acknowledgeConfiguration, ids, data, TELL_TIMEOUT_MS));
  }

  onNews(listener: (news: ConfigurationNews) => void): () => void {
    const { service_id, environment } = this.owner;
    return this.link.subscribe(registryContract.CONFIGURATION_HINT, ({ body }) => {
      const said = news.parse(JSON.parse(body));
      if (said.service_id === service_id && said.environment === environment)
        listener({ position: said.position });
    });
  }

  onReturn(listener: () => void): () => void {
    return this.link.onConnected(listener);
  }
}

const notInForce = (code: string, { activation }: Partial<Asked>): NotInForce | undefined =>
  code === 'invalid-input' && activation !== undefined ? 'none' : NOT_IN_FORCE.get(code);

/** A parser's error quotes what it read, and this may be a secret: nothing of it is kept, not as a cause either. */
function documentIn(opened: string): Json {
  try {
    return JSON.parse(opened) as Json;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    throw new RegistryRefused('the configuration that the registry sealed is no JSON');
  }
}

function saidIn<Said>(outcome: SuiteOutcome<Said>): Said {
  switch (outcome.kind) {
    case 'said':
      return outcome.said;
    case 'refused':
      throw new RegistryRefused(`${outcome.code}: ${outcome.message}`);
    case 'unheard':
      throw new RegistrySilent(outcome.reason);
  }
}
