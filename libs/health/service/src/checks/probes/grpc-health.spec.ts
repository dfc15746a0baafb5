import { healthCheckRequest, servingStatusOf } from './grpc-health';

const framed = (...message: number[]) => Buffer.from([0, 0, 0, 0, message.length, ...message]);

describe('the request of a gRPC health check', () => {
  it('is an empty message for the server as a whole', () =>
    expect([...healthCheckRequest()]).toEqual([0, 0, 0, 0, 0]));

  it('names the service', () =>
    expect(healthCheckRequest('a.B')).toEqual(framed(0x0a, 3, 0x61, 0x2e, 0x42)));

  it('writes a long name with its length in two bytes', () => {
    const frame = healthCheckRequest('x'.repeat(200));
    expect([...frame.subarray(0, 8)]).toEqual([0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
  });
});

describe('the answer of a gRPC health check', () => {
  it.each([
    [framed(), 'UNKNOWN'],
    [framed(8, 0), 'UNKNOWN'],
    [framed(8, 1), 'SERVING'],
    [framed(8, 2), 'NOT_SERVING'],
    [framed(8, 3), 'SERVICE_UNKNOWN'],
    // The last of them counts, and fields that are not known are passed over.
    [framed(8, 2, 8, 1), 'SERVING'],
    [framed(0x12, 2, 8, 2, 8, 1), 'SERVING'],
    [framed(0x10, 0x96, 1, 8, 1), 'SERVING'],
  ])('%j is %s', (frame, status) => expect(servingStatusOf(frame)).toBe(status));

  it.each([
    Buffer.alloc(0),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0, 2, 8, 1]),
    Buffer.from([0, 0, 0, 0, 3, 8, 1]),
    Buffer.from([0, 0, 0, 0, 1, 8, 1]),
    Buffer.from([0, 255, 255, 255, 255, 8, 1]),
    framed(8),
    framed(8, 0x80),
    framed(8, 9),
    framed(8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
    framed(0x0d, 0, 0, 0, 0),
    framed(0x12, 9, 8, 1),
    framed(0x12, 0xff, 0xff, 0xff, 0xff, 7),
  ])('%j is no such message', (frame) => expect(servingStatusOf(frame)).toBeUndefined());
});
