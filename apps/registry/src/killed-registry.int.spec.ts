import { TestBench } from '@downbeat/test-bench';
import { AppProcess } from '@downbeat/test-bench/app-process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Body = NonNullable<Parameters<TestBench['command']>[1]>;

const HOUR = 3_600;
const production = { environment: 'production' };

/** The program as it is deployed, so that it can be killed: everything it knew in memory is gone. */
describe('a registry that is killed while an activation is watched', () => {
  const directory = mkdtempSync(join(tmpdir(), 'downbeat-registry-'));
  let bench: TestBench;
  let registry: AppProcess;
  beforeAll(async () => {
    bench = await TestBench.start({ services: [] });
    registry = new AppProcess({
      name: 'registry',
      program: join(__dirname, '..', 'dist', 'main.js'),
      environment: { ...bench.settings, HOST: '127.0.0.1' },
      logFile: join(directory, 'registry.log'),
    });
    await registry.start();
  });
  afterAll(async () => {
    await registry?.stop();
    await bench?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const carryOut = async (name: string, id: string, body: Body) => {
    const outcome = await bench.command(`command.registry.${name}.${id}`, body);
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
    return outcome.answer;
  };
  const watching = async (service_id: string, observe_seconds: number) => {
    await carryOut('RegisterService', service_id, {
      ...{ service_version: '1.0.0', service_type: 'api', dependencies: [] },
      deployment_environment: 'production',
    });
    await carryOut('RegisterInstance', `${service_id}-1`, {
      ...{ service_id, node_name: 'n', ip_address: '10.0.0.7', port: 3000, version: '1.0.0' },
    });
    for (const pool of [1, 2])
      await carryOut('CreateConfiguration', service_id, { ...production, configuration: { pool } });
    await carryOut('ActivateConfiguration', service_id, { ...production, config_version: '1' });
    return carryOut('ActivateConfiguration', service_id, {
      ...{ ...production, config_version: '2', gate: { observe_seconds } },
    });
  };
  const killAndRestart = async () => {
    await registry.stop('SIGKILL');
    await registry.start();
  };
  const types = async (service: string) =>
    (await bench.events(`configuration-${service}:production`)).map(({ type }) => type);

  it('goes on watching, and lets it pass when its time is over', async () => {
    await watching('patient', 1);
    await killAndRestart();
    const found = await bench.eventually(
      () => types('patient'),
      (all) => all.length > 4,
    );
    expect(found.slice(4)).toEqual(['ActivationConfirmed']);
  });

  it('takes it back for what was said before it was killed', async () => {
    const { checksum = '' } = await watching('refusing', HOUR);
    const killed = registry.gone();
    await carryOut('AcknowledgeConfiguration', 'refusing-1', {
      ...{ service_id: 'refusing', ...production, checksum },
      ...{ outcome: 'refused', reason: 'too large' },
    });
    registry.signal('SIGKILL');
    await killed;
    await registry.start();
    const found = await bench.eventually(
      () => types('refusing'),
      (all) => all.length > 4,
    );
    expect(found.slice(4)).toEqual(['ActivationReverted']);
  });

  it('hears a refusal that was sent while it was dead', async () => {
    const { checksum = '' } = await watching('deaf', HOUR);
    await registry.stop('SIGKILL');
    const said = { service_id: 'deaf', ...production, checksum, outcome: 'refused' };
    // Nobody answers for now: the command waits on its stream.
    const sending = bench.command('command.registry.AcknowledgeConfiguration.deaf-1', said, {
      timeoutMs: 60_000,
    });
    await registry.start();
    expect(await sending).toMatchObject({ accepted: true });
    const found = await bench.eventually(
      () => types('deaf'),
      (all) => all.length > 4,
    );
    expect(found.slice(4)).toEqual(['ActivationReverted']);
  });
});
