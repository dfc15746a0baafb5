import { healthContract, type AnswerOf, type sagaContract } from '@downbeat/contracts';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { SagaModule } from '@downbeat/saga-service';
import { BreakerReports } from '@downbeat/saga-service/testing';
import { derivedId } from '@downbeat/service-host';
import { TestBench } from '@downbeat/test-bench';
import { Target } from './target';

type List = AnswerOf<typeof healthContract.listCircuitBreakers>;
type Breaker = AnswerOf<typeof healthContract.getCircuitBreaker>;
type Metrics = AnswerOf<typeof healthContract.circuitBreakerMetrics>;
type Runs = AnswerOf<typeof sagaContract.listWorkflows>;

export const SOURCE = 'downbeat-saga';
const REPLICAS = ['saga', 'saga-2'];
const WAIT_MS_MAX = 30_000;

/** The health context and two replicas of the saga on real servers, with services that work or fail. */
export class BreakerBench {
  private runs = 0;
  /** Of the newest run that was started: what is asked of them next knows of it. */
  private position = 0;

  private constructor(
    readonly bench: TestBench,
    readonly targets: Readonly<Record<string, Target>>,
  ) {}

  static async start(names: readonly string[]): Promise<BreakerBench> {
    const targets = await Promise.all(names.map((name) => Target.start(name)));
    const bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
        { name: 'saga', module: SagaModule },
        { name: 'saga-2', module: SagaModule },
      ],
    });
    const byName = Object.fromEntries(targets.map((target) => [target.name, target]));
    const made = new BreakerBench(bench, byName);
    for (const target of targets) await made.register(target);
    return made;
  }

  target(name: string): Target {
    const target = this.targets[name];
    if (!target) throw new Error(`there is no target ${name}`);
    return target;
  }

  /** Starts runs that call the target once each, on whichever replica. */
  async call(name: string, times: number): Promise<void> {
    const positions = await Promise.all(
      Array.from({ length: times }, () =>
        this.bench.accepted(`command.saga.StartWorkflow.run-${++this.runs}`, {
          workflow_name: name,
          initiating_service: 'test',
          context_data: {},
        }),
      ),
    );
    this.position = Math.max(this.position, ...positions);
  }

  /** All runs that were started so far have ended: none of them calls anybody any more. */
  async untilAllEnded(): Promise<void> {
    const as = { min_position: this.position };
    await this.until(
      () => this.bench.answer<Runs>('query.saga.list-workflows', { limit: 1 }, as),
      ({ status_summary: { pending, running, compensating } }) =>
        pending + running + compensating === 0,
    );
  }

  list(input = {}, as = {}): Promise<List> {
    return this.bench.answer<List>('query.health.list-circuit-breakers', input, as);
  }

  /** The id of the saga's breaker in front of a target; once it was reported. */
  async idOf(name: string): Promise<string> {
    const { circuit_breakers } = await this.until(
      () => this.list({ service_name: SOURCE, target_service: name }),
      (list) => list.circuit_breakers.length > 0,
    );
    return circuit_breakers[0]?.id ?? '';
  }

  get(breaker_id: string, as = {}): Promise<Breaker> {
    return this.bench.answer<Breaker>('query.health.circuit-breaker', { breaker_id }, as);
  }

  metrics(breaker_id: string, as = {}): Promise<Metrics> {
    return this.bench.answer<Metrics>('query.health.circuit-breaker-metrics', { breaker_id }, as);
  }

  policies(): Promise<AnswerOf<typeof healthContract.breakerPolicies>> {
    return this.bench.answer('query.health.breaker-policies', { service_name: SOURCE }, {});
  }

  until<Answer>(
    ask: () => Promise<Answer>,
    isWanted: (answer: Answer) => boolean,
  ): Promise<Answer> {
    return this.bench.eventually(ask, isWanted, WAIT_MS_MAX);
  }

  untilState(id: string, state: string): Promise<Breaker> {
    return this.until(
      () => this.get(id),
      ({ circuit_breaker }) => circuit_breaker.current_state === state,
    );
  }

  /** Both replicas tell at once what they would tell within a minute. */
  tell(): void {
    for (const name of REPLICAS) this.bench.runningOf(name).app.get(BreakerReports).hurry();
  }

  /** Says what the saga's breaker in front of a target is to do. @returns Its id. */
  async set(target_service: string, settings: object): Promise<string> {
    const key = { service_name: SOURCE, target_service, endpoint_pattern: '*' };
    const id = derivedId(healthContract.createCircuitBreaker, key);
    await this.bench.accepted(`command.health.CreateCircuitBreaker.${id}`, { ...key, ...settings });
    return id;
  }

  /** Both replicas have called the target, and hold a breaker that follows what was said. */
  async heldByBoth(name: string, id: string): Promise<void> {
    await this.until(
      async () => {
        await this.call(name, 8);
        this.tell();
        return this.get(await this.idOf(name));
      },
      ({ holders }) => holders.filter(({ follows }) => follows === id).length === 2,
    );
  }

  /** As the replicas themselves say it, whoever else listens. */
  async stateInSaga(service_name: string): Promise<string> {
    const { targets } = await this.bench.answer<{ targets: readonly { breaker: string }[] }>(
      'query.saga.list-targets',
      { service_name },
    );
    return targets[0]?.breaker ?? 'closed';
  }

  /** Calls the target until its breakers have found that it is well. */
  async callUntilClosed(name: string): Promise<void> {
    await this.until(
      async () => {
        await this.call(name, 8);
        return this.stateInSaga(name);
      },
      (state) => state === 'closed',
    );
  }

  order(what: string, id: string, body: object): Promise<number> {
    return this.bench.accepted(`command.health.${what}CircuitBreaker.${id}`, body as never);
  }

  /** The newest order was carried out by everyone. */
  untilDone(id: string): Promise<Breaker> {
    return this.until(
      () => this.get(id),
      ({ orders }) => {
        const last = orders.at(-1);
        return last !== undefined && last.waits_for.length === 0 && last.done_by.length > 0;
      },
    );
  }

  async stop(): Promise<void> {
    await this.bench.stop();
    await Promise.all(Object.values(this.targets).map((target) => target.stop()));
  }

  private async register({ name, url: base_url }: Target): Promise<void> {
    await this.bench.accepted(`command.registry.RegisterService.${name}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      base_url,
    });
    await this.bench.accepted(`command.saga.RegisterWorkflowDefinition.${name}`, {
      steps: [
        {
          name: 'call',
          type: 'service_call',
          service_name: name,
          endpoint: '/call',
          retry_policy: { max_retries: 0 },
          timeout_seconds: 20,
        },
      ],
    });
  }
}
