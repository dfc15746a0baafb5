import { InvalidConfig, loadConfig, settingsOf } from '@downbeat/service-host';
import { CRASH_POINTS, KillAtPoint } from './engine/crash-points';
import { sagaConfig } from './saga-config';
import { SagaModule } from './saga.module';

const crashAt = (DOWNBEAT_CRASH_AT: string) => loadConfig(sagaConfig, { DOWNBEAT_CRASH_AT });

describe('where a drill kills the process', () => {
  it.each(CRASH_POINTS.flatMap((point) => [point, `${point}:1`, `${point}:9999999`]))(
    'may be %s',
    (setting) => {
      expect(crashAt(setting).DOWNBEAT_CRASH_AT).toBe(setting);
      expect(KillAtPoint.parse(setting)).toBeInstanceOf(KillAtPoint);
    },
  );

  it.each([
    'nowhere',
    'call.after-answer:',
    'call.after-answer:0',
    'call-after-answer',
    'call.after-answer:1:1',
  ])('may not be %s', (setting) => expect(() => crashAt(setting)).toThrow(InvalidConfig));

  it('is nowhere unless it is said, and checked with the other settings of the process', () => {
    expect(crashAt('').DOWNBEAT_CRASH_AT).toBeUndefined();
    const keys = settingsOf(SagaModule).flatMap(({ shape }) => Object.keys(shape));
    expect(keys).toContain('DOWNBEAT_CRASH_AT');
  });
});
