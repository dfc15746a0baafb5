import { EngineFull, LeaseUnsure } from './errors';
import { FaultLog } from './fault-log';

describe('the log of faults', () => {
  it('says each kind once a second, and how many it kept to itself', () => {
    let now = 0;
    const warn = jest.fn();
    const error = jest.fn();
    const log = new FaultLog({ warn, error }, () => now);
    for (let run = 0; run < 1_000; run++) log.met(`w-${run}`, new LeaseUnsure('unsure'));
    log.met('w-1', new EngineFull('full'));
    log.met('w-1', new TypeError('a defect'));
    now = 1_000;
    log.met('w-2', new LeaseUnsure('unsure'));
    expect(warn.mock.calls.map(([facts]) => [facts.workflow_id, facts.unlogged_before])).toEqual([
      ['w-0', 0],
      ['w-1', 0],
      ['w-2', 999],
    ]);
    expect(error).toHaveBeenCalledTimes(1);
  });
});
