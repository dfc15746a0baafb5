import { TARGETS_KEPT, type CallFigures } from '@downbeat/observability-domain';
import { ReadModelBehind, type ReadModels } from '@downbeat/projections';
import { KnownTargets } from './known-targets';

const HOUR_MS = 3_600_000;
const to = (target_service: string, source_service = 'shop'): CallFigures => ({
  ...{ source_service, target_service, protocol: 'http', method: 'GET', endpoint: '/' },
  ...{ minute: '2026-03-01T09:30:00.000Z', ok: 1, client_errors: 0, server_errors: 0 },
  ...{ unanswered: 0, duration_us: 1, durations: { '0': 1 } },
});
const invented = (count: number, from = 0) =>
  Array.from({ length: count }, (_, number) => to(`made-up-${from + number}`));

describe('the targets that are known of a source', () => {
  let nowMs: number;
  let asked: number;
  let called: ReadonlyMap<string, ReadonlySet<string>>;
  let fault: Error | undefined;
  let known: KnownTargets;
  beforeEach(() => {
    [nowMs, asked, called, fault] = [10 * HOUR_MS, 0, new Map(), undefined];
    const readModels = {
      ask: async () => {
        asked++;
        if (fault) throw fault;
        return { position: 1, data: called };
      },
    } as unknown as ReadModels;
    known = new KnownTargets(readModels, { now: () => nowMs });
  });
  const reported = async (calls: readonly CallFigures[], isAccepted: boolean) => {
    const room = await known.roomFor(calls);
    const bounded = room.take(calls);
    if (isAccepted) room.keep();
    room.giveBack();
    return bounded.map(({ target_service }) => target_service);
  };
  const targetsOf = (...calls: readonly CallFigures[]) => reported(calls, true);

  it('are no more than there is room for, over many reports, and asked for once', async () => {
    for (let from = 0; from < TARGETS_KEPT; from += 500) await targetsOf(...invented(500, from));
    expect(await targetsOf(to('billing'), to('made-up-3'), to('billing', 'stock'))).toEqual([
      ...['(other)', 'made-up-3', 'billing'],
    ]);
    expect(asked).toBe(2);
  });

  it('are those that were called before this process began', async () => {
    called = new Map([['shop', new Set(invented(TARGETS_KEPT).map((one) => one.target_service))]]);
    expect(await targetsOf(to('billing'), to('made-up-3'))).toEqual(['(other)', 'made-up-3']);
  });

  it('are asked for anew after an hour: who was not called makes room', async () => {
    await targetsOf(...invented(TARGETS_KEPT));
    nowMs += HOUR_MS + 1;
    called = new Map([['shop', new Set(['stock'])]]);
    expect(await targetsOf(to('billing'))).toEqual(['billing']);
  });

  it('are no more when reports come at once', async () => {
    const reports = [0, 500, 1_000, 1_500].map((from) => targetsOf(...invented(500, from)));
    const names = (await Promise.all(reports)).flat().filter((name) => name !== '(other)');
    expect(new Set(names).size).toBe(TARGETS_KEPT);
  });

  it('are no more when reports are under way together, and have room again when those are refused', async () => {
    const calls = invented(TARGETS_KEPT);
    const [first, same] = [await known.roomFor(calls), await known.roomFor(calls)];
    first.take(calls);
    same.take(calls);
    const other = await known.roomFor([to('billing')]);
    const seen = () => other.take([to('billing')]).map((one) => one.target_service);
    expect(seen()).toEqual(['(other)']);
    first.giveBack();
    expect(seen()).toEqual(['(other)']);
    same.giveBack();
    expect(seen()).toEqual(['billing']);
  });

  it('are not those of refused reports', async () => {
    await reported(invented(TARGETS_KEPT), false);
    expect(await targetsOf(to('billing'))).toEqual(['billing']);
    await reported(invented(TARGETS_KEPT), false);
    expect(await targetsOf(to('billing'), to('stock'))).toEqual(['billing', 'stock']);
    expect(asked).toBe(1);
  });

  it('are not those of reports that fail beside an accepted one', async () => {
    const failed = await known.roomFor([to('billing')]);
    failed.take(invented(TARGETS_KEPT - 1));
    expect(await targetsOf(to('billing'))).toEqual(['billing']);
    failed.giveBack();
    expect(await targetsOf(to('stock'), to('billing'))).toEqual(['stock', 'billing']);
  });

  it('are those of an accepted report, though one that names them too fails beside it', async () => {
    const failed = await known.roomFor([to('billing')]);
    failed.take([to('billing')]);
    await targetsOf(...invented(TARGETS_KEPT - 1), to('billing'));
    failed.giveBack();
    expect(await targetsOf(to('stock'), to('billing'))).toEqual(['(other)', 'billing']);
  });

  it('are asked for again of the source that reported longest ago, when there are many', async () => {
    await targetsOf(to('billing', 'first'));
    const sources = Array.from({ length: 50 }, (_, number) => `source-${number}`);
    for (const source of sources)
      await targetsOf(...invented(TARGETS_KEPT).map((one) => ({ ...one, source_service: source })));
    expect(asked).toBe(51);
    await targetsOf(to('made-up-1', 'source-49'));
    expect(asked).toBe(51);
    await targetsOf(to('billing', 'first'));
    expect(asked).toBe(52);
  });

  it('begin with what is told while the view is built for the first time', async () => {
    fault = new ReadModelBehind('observability.calls', 0, 0);
    expect(await targetsOf(to('billing'))).toEqual(['billing']);
  });

  it('are not made up when they cannot be asked for', async () => {
    fault = new Error('no database');
    await expect(targetsOf(to('billing'))).rejects.toThrow('no database');
  });
});
