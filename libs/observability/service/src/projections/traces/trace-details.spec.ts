import type { Span } from '@downbeat/observability-domain';
import { someSpan, spanIdOf } from '../../testing/span-commands';
import { comparedTraces } from './compared-traces';
import { traceDetails } from './trace-details';

const spanOf = (number: number, more: object = {}): Span => ({
  ...someSpan(1, number),
  service_name: 'shop',
  ...more,
});
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const long = (about: number): string => `${'é'.repeat(250)}${about}`;

describe('an answer about a trace fits into a message', () => {
  it('when one span has twenty thousand children', () => {
    const children = Array.from({ length: 20_000 }, (_, at) =>
      spanOf(at + 2, { parent_span_id: spanIdOf(1) }),
    );
    const { spans } = traceDetails({ spans: [spanOf(1), ...children], isCut: false }, 0, 1);
    expect(spans).toHaveLength(1);
    expect(spans[0]?.children).toHaveLength(1_000);
    expect(spans[0]?.child_count).toBe(20_000);
  });

  it('when a span has long logs, which say their message twice', () => {
    const logs = Array.from({ length: 128 }, () => ({
      at_us: someSpan(1, 1).start_us,
      name: 'log',
      tags: { message: 'x'.repeat(4_000) },
    }));
    const { spans } = traceDetails({ spans: [spanOf(1, { logs })], isCut: false }, 0, 1);
    expect(bytesOf(spans[0])).toBeLessThan(120_000);
    expect(spans[0]?.log_count).toBe(128);
    expect(spans[0]?.logs.length).toBeGreaterThan(5);
  });

  it('when all names are as long as names may be', () => {
    const spans = Array.from({ length: 3_000 }, (_, at) =>
      spanOf(at + 1, {
        service_name: long(at),
        operation_name: long(at),
        ...(at > 0 && { parent_span_id: spanIdOf(at) }),
        duration_us: 10_000 - at,
      }),
    );
    const { is_cut, ...answer } = traceDetails({ spans, isCut: true }, 0, 10_000);
    expect(is_cut).toBe(true);
    expect(bytesOf(answer)).toBeLessThan(900_000);
    const compared = comparedTraces({ spans, isCut: true }, { spans: [spanOf(1)], isCut: false });
    expect(compared.is_cut).toBe(true);
    expect(bytesOf(compared)).toBeLessThan(900_000);
  });
});
