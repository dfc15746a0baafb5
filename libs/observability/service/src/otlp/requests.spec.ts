import fc from 'fast-check';
import { Writer } from 'protobufjs/minimal';
import { jsonRequest } from './json-request';
import { MalformedRequest } from './malformed-request';
import { protobufRequest } from './protobuf-request';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const START = 1_772_357_400_000_000_123n;
const [BYTES, VARINT, FIXED64] = [2, 0, 1];
const tag = (field: number, type: number): number => (field << 3) | type;

type Write = (writer: Writer) => unknown;
const message =
  (field: number, ...parts: readonly Write[]): Write =>
  (writer) => {
    writer.uint32(tag(field, BYTES)).fork();
    for (const part of parts) part(writer);
    writer.ldelim();
  };
const text =
  (field: number, value: string): Write =>
  (writer) =>
    writer.uint32(tag(field, BYTES)).string(value);
const bytes =
  (field: number, hex: string): Write =>
  (writer) =>
    writer.uint32(tag(field, BYTES)).bytes(Buffer.from(hex, 'hex'));
const number =
  (field: number, value: number): Write =>
  (writer) =>
    writer.uint32(tag(field, VARINT)).int64(value);
const nanos =
  (field: number, value: bigint): Write =>
  (writer) =>
    writer
      .uint32(tag(field, FIXED64))
      .fixed32(Number(value & 0xffffffffn))
      .fixed32(Number(value >> 32n));
const keyValue = (field: number, key: string, value: Write): Write =>
  message(field, text(1, key), message(2, value));

const binary = (...parts: readonly Write[]): Uint8Array => {
  const writer = Writer.create();
  for (const part of parts) part(writer);
  return writer.finish();
};

const inBinary = binary(
  message(
    1,
    message(1, keyValue(1, 'service.name', text(1, 'shop'))),
    message(
      2,
      message(1, text(1, 'http')),
      message(
        2,
        ...[bytes(1, TRACE_ID), bytes(2, SPAN_ID), text(5, 'POST /orders'), number(6, 2)],
        ...[nanos(7, START), nanos(8, START + 5n), text(3, 'state=1'), number(99, 7)],
        keyValue(9, 'count', number(3, 7)),
        keyValue(9, 'list', message(5, message(1, text(1, 'a')), message(1, number(2, 1)))),
        keyValue(9, 'map', message(6, keyValue(1, 'k', text(1, 'v')))),
        keyValue(9, 'raw', bytes(7, 'ff00')),
        message(11, nanos(1, START + 1n), text(2, 'exception'), keyValue(3, 'a', text(1, 'b'))),
        message(13, bytes(1, TRACE_ID), bytes(2, SPAN_ID)),
        message(15, text(2, 'no money'), number(3, 2)),
      ),
    ),
  ),
);

const asJson = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeSpans: [
        {
          scope: { name: 'http' },
          spans: [
            {
              traceId: TRACE_ID,
              spanId: SPAN_ID,
              parentSpanId: null,
              name: 'POST /orders',
              kind: 2,
              startTimeUnixNano: `${START}`,
              endTimeUnixNano: `${START + 5n}`,
              traceState: 'state=1',
              attributes: [
                { key: 'count', value: { intValue: '7' } },
                {
                  key: 'list',
                  value: { arrayValue: { values: [{ stringValue: 'a' }, { boolValue: true }] } },
                },
                {
                  key: 'map',
                  value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } },
                },
                { key: 'raw', value: { bytesValue: '/wA=' } },
              ],
              events: [
                {
                  timeUnixNano: `${START + 1n}`,
                  name: 'exception',
                  attributes: [{ key: 'a', value: { stringValue: 'b' } }],
                },
              ],
              links: [{ traceId: TRACE_ID, spanId: SPAN_ID }],
              status: { message: 'no money', code: 2 },
            },
          ],
        },
      ],
    },
  ],
};

const handedOver = [
  {
    attributes: [['service.name', 'shop']],
    spans: [
      {
        traceId: TRACE_ID,
        spanId: SPAN_ID,
        parentSpanId: '',
        name: 'POST /orders',
        kind: 2,
        startNs: START,
        endNs: START + 5n,
        attributes: [
          ['count', '7'],
          ['list', '["a",true]'],
          ['map', '{"k":"v"}'],
          ['raw', '/wA='],
          ['otel.scope.name', 'http'],
        ],
        events: [{ timeNs: START + 1n, name: 'exception', attributes: [['a', 'b']] }],
        links: [{ traceId: TRACE_ID, spanId: SPAN_ID }],
        statusCode: 2,
        statusMessage: 'no money',
      },
    ],
  },
];

describe('a request to keep spans', () => {
  it('is read from protobuf', () => expect(protobufRequest(inBinary)).toEqual(handedOver));

  it('is read from JSON', () => expect(jsonRequest(JSON.stringify(asJson))).toEqual(handedOver));

  it('may be empty', () => {
    expect(protobufRequest(new Uint8Array())).toEqual([]);
    expect(jsonRequest('{}')).toEqual([]);
  });

  it.each([
    ['1772357400000000000', 1_772_357_400_000_000_000n],
    ['"1772357400000000001"', 1_772_357_400_000_000_001n],
    ['-1e300', BigInt(-1e300)],
  ])('may have its times as numbers: %s', (written, ns) => {
    const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":${written}}]}]}]}`;
    expect(jsonRequest(body)[0]?.spans[0]?.startNs).toBe(ns);
  });

  it('has no fractions of a nanosecond', () =>
    expect(() =>
      jsonRequest('{"resourceSpans":[{"scopeSpans":[{"spans":[{"endTimeUnixNano":1.5}]}]}]}'),
    ).toThrow(/endTimeUnixNano/));

  it('keeps numbers that no JavaScript number holds', () => {
    const attributes = [{ key: 'big', value: { intValue: '9007199254740993' } }];
    const resourceSpans = [{ resource: { attributes } }];
    expect(jsonRequest(JSON.stringify({ resourceSpans }))[0]?.attributes).toEqual([
      ['big', '9007199254740993'],
    ]);
  });

  it.each([
    ['{"resourceSpans":', /not JSON/],
    ['[]', /the request/],
    ['{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SERVER"}]}]}]}', /resourceSpans.*kind/],
    ['{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]}', /startTimeUn/],
  ])('is refused with its place: %s', (body, place) =>
    expect(() => jsonRequest(body)).toThrow(place),
  );

  it.each([
    ['{"key":1,"value":{"stringValue":"a"}}', /attributes\.1\.key/],
    ['{"key":"a","value":{"stringValue":3}}', /attributes\.1\.value\.stringValue/],
    ['{"key":"a","value":{"stringValue":"a","intValue":{}}}', /attributes\.1\.value\.intValue/],
    ['7', /attributes\.1 /],
  ])('is refused with the place of an attribute: %s', (attribute, place) => {
    const attributes = `[{"key":"z","value":{"stringValue":"q"}},${attribute}]`;
    const body = `{"resourceSpans":[{"resource":{"attributes":${attributes}}}]}`;
    expect(() => jsonRequest(body)).toThrow(place);
  });

  it.each([
    ['{"key":"k"}', ['k', '']],
    ['{"key":"k","value":null}', ['k', '']],
    ['{"value":{"intValue":5}}', ['', '5']],
    ['{"key":"k","value":{"stringValue":"s"},"more":1}', ['k', 's']],
  ])('may leave out parts of an attribute: %s', (attribute, read) => {
    const body = `{"resourceSpans":[{"resource":{"attributes":[${attribute}]}}]}`;
    expect(jsonRequest(body)[0]?.attributes).toEqual([read]);
  });

  it('that is cut off is refused, wherever it was cut', () => {
    for (let length = 1; length < inBinary.length; length++)
      expect(() => protobufRequest(inBinary.subarray(0, length))).toThrow(MalformedRequest);
  });

  it('of any bytes is read or refused, and never a fault', () =>
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 0, max: inBinary.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        (random, place, byte) => {
          for (const body of [random, inBinary.with(place, byte)])
            try {
              protobufRequest(body);
            } catch (fault) {
              if (!(fault instanceof MalformedRequest)) throw fault;
            }
        },
      ),
      { numRuns: 500 },
    ));

  it('of any JSON is read or refused, and never a fault', () =>
    fc.assert(
      fc.property(fc.json(), (body) => {
        for (const text of [body, `{"resourceSpans":[{"scopeSpans":[{"spans":[${body}]}]}]}`])
          try {
            jsonRequest(text);
          } catch (fault) {
            if (!(fault instanceof MalformedRequest)) throw fault;
          }
      }),
    ));

  it('whose values are nested too deep is refused', () => {
    const deep = (levels: number): Write =>
      levels === 0 ? text(1, 'x') : message(5, message(1, deep(levels - 1)));
    const nested = (levels: number) =>
      binary(message(1, message(1, keyValue(1, 'k', deep(levels)))));
    expect(() => protobufRequest(nested(14))).not.toThrow();
    expect(() => protobufRequest(nested(20))).toThrow(/nested deeper/);
  });
});
