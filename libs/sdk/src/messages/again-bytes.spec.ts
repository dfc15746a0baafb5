import { AgainBytes } from './again-bytes';

const MIB = 2 ** 20;

describe('the bytes of what came again', () => {
  let bytes: AgainBytes;
  beforeEach(() => {
    bytes = new AgainBytes();
    for (const topic of ['paid', 'sent']) bytes.join(topic);
  });
  const may = () => ['paid', 'sent'].map((topic) => bytes.mayGrow(topic));

  it('are counted for all topics together', () => {
    bytes.add('paid', 20 * MIB);
    bytes.add('sent', 12 * MIB - 1);
    expect(may()).toEqual([true, true]);
    bytes.add('sent', 1);
    expect(may()).toEqual([false, true]);
    bytes.add('paid', -1);
    expect(may()).toEqual([true, true]);
  });

  it('leave each topic its part of them, however much another holds', () => {
    bytes.add('paid', 40 * MIB);
    expect(may()).toEqual([false, true]);
    bytes.add('sent', 16 * MIB);
    expect(may()).toEqual([false, false]);
  });
});
