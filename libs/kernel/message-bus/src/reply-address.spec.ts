import { isInbox } from './reply-address';

describe('an address for answers', () => {
  it.each([
    '_INBOX.SKTQ3',
    '_INBOX.SKTQ3.1',
    '_INBOX.gateway.SKTQ3.1',
    '_INBOX_ann.SKTQ3',
    '_INBOX_ann-2.SKTQ3.7',
  ])('may be %s', (subject) => expect(isInbox(subject)).toBe(true));

  it.each([
    '',
    '_INBOX',
    '_INBOX.',
    '_INBOX_ann',
    '_INBOXES.x',
    '_inbox.x',
    'x._INBOX.y',
    '_INBOX.>',
    '_INBOX.*.x',
    '_INBOX..x',
    '_INBOX.x y',
    '_INBOX.x\n$JS.API.INFO',
    '$JS.API.STREAM.PURGE.event-saga',
    '$JS.ACK.s.c.1.1.1.1.0',
    'command.registry.RegisterService.x',
    `_INBOX.${'x'.repeat(600)}`,
  ])('may not be %j', (subject) => expect(isInbox(subject)).toBe(false));
});
