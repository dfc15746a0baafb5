import type { ProjectionRunner } from '@downbeat/projections';
import type { ContextPool } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import { ExpectedDurations } from './expected-durations';
import { workflows } from './workflows.projection';

const LOOK_MS = 10_000;

describe('how long runs usually take', () => {
  let isServed: boolean;
  let query: jest.Mock;
  let durations: ExpectedDurations;
  beforeEach(() => {
    jest.useFakeTimers();
    isServed = false;
    query = jest.fn(async () => {
      if (!isServed) throw new Error('relation "workflow" does not exist');
      return { rows: [{ workflow_name: 'book', minutes: 0.12345 }] };
    });
    const status = () => [
      { name: 'saga.others', is_served: true },
      { name: workflows.name, is_served: isServed },
    ];
    durations = new ExpectedDurations(
      { query } as unknown as ContextPool,
      { status } as unknown as ProjectionRunner,
    );
    durations.start();
  });
  afterEach(async () => {
    await durations.stop();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('is not asked of a read model that is not there yet, and complains of nothing', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn');
    await jest.advanceTimersByTimeAsync(3 * LOOK_MS);
    expect(query).not.toHaveBeenCalled();
    expect(warn).not.toHaveBeenCalled();
    expect(durations.minutesOf('book')).toBe(0);
  });

  it('is known once the read model is there', async () => {
    await jest.advanceTimersByTimeAsync(LOOK_MS);
    isServed = true;
    await jest.advanceTimersByTimeAsync(LOOK_MS);
    expect(durations.minutesOf('book')).toBe(0.123);
    expect(durations.minutesOf('other')).toBe(0);
  });
});
