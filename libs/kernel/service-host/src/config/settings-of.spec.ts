import { Module } from '@nestjs/common';
import { ContextModule } from '../runtime/context.module';
import { InvalidConfig } from './load-config';
import { settingsOf } from './settings-of';
import { startService } from '../host-service';
import { z } from 'zod';

const contextOf = (context: 'registry' | 'health', settings?: z.ZodObject) =>
  ContextModule.of({ context, projections: [], commands: [], ...(settings ? { settings } : {}) });

@Module({ imports: [contextOf('registry', z.object({ REGISTRY_PACE_MS: z.coerce.number() }))] })
class Inner {}

@Module({ imports: [Inner, contextOf('health'), Inner] })
class Outer {}

describe('the settings of a module', () => {
  it('are those of all that it imports, each once', () => {
    expect(settingsOf(Outer).flatMap(({ shape }) => Object.keys(shape))).toEqual([
      'DATABASE_URL_REGISTRY',
      'REGISTRY_PACE_MS',
      'DATABASE_URL_HEALTH',
    ]);
  });

  it('are checked with those of the process before anything starts, all at once', async () => {
    const environment = { PORT: 'many', REGISTRY_PACE_MS: 'fast', DATABASE_URL_HEALTH: 'http://x' };
    const starting = startService({ name: 'both', module: Outer }, environment);
    const fault: unknown = await starting.catch((reason: unknown) => reason);
    if (!(fault instanceof InvalidConfig)) throw new Error('it started');
    expect(fault.problems.map(({ key }) => key).sort()).toEqual([
      'DATABASE_URL_HEALTH',
      'DATABASE_URL_REGISTRY',
      'NATS_URL',
      'PORT',
      'REGISTRY_PACE_MS',
    ]);
  });
});
