import { someCalls } from '../testing/some-calls';
import { TARGETS_KEPT, withNamedTargets } from './call-targets';

const to = (target_service: string) => someCalls({ target_service });
const targetsOf = (calls: readonly { readonly target_service: string }[]) =>
  calls.map(({ target_service }) => target_service);

describe('the targets of a source', () => {
  const full = new Map([
    ['shop', new Set(Array.from({ length: TARGETS_KEPT }, (_, number) => `made-up-${number}`))],
  ]);

  it('have names while there is room', () => {
    const { calls, named } = withNamedTargets(
      [to('billing'), to('stock'), to('billing')],
      new Map(),
    );
    expect(targetsOf(calls)).toEqual(['billing', 'stock', 'billing']);
    expect([...(named.get('shop') ?? [])]).toEqual(['billing', 'stock']);
  });

  it('that are one too many are counted under one name, and the others go on', () => {
    const { calls, named } = withNamedTargets([to('billing'), to('made-up-7')], full);
    expect(targetsOf(calls)).toEqual(['(other)', 'made-up-7']);
    expect(calls[0]).toEqual({ ...to('billing'), target_service: '(other)' });
    expect([...(named.get('shop') ?? [])]).toEqual(['made-up-7']);
  });

  it('leave those of other sources their room', () => {
    const { calls } = withNamedTargets([someCalls({ source_service: 'stock' })], full);
    expect(targetsOf(calls)).toEqual(['billing']);
  });

  it('are not taken up by what has no name already', () => {
    const { calls, named } = withNamedTargets([to('(other)')], new Map());
    expect([targetsOf(calls), named.size]).toEqual([['(other)'], 0]);
  });
});
