import { CheckedSubjects } from './checked-subjects';

const isAsked = (subjects: CheckedSubjects, subject: string): boolean =>
  subjects.refusalOf(subject) === undefined;

describe('the subjects that checks may ask on', () => {
  it.each([
    [undefined, 'production', 'service.billing.1', true],
    [undefined, 'production', 'services.billing', false],
    [undefined, 'production', 'service', false],
    [undefined, 'production', 'shop.billing', false],
    [undefined, 'development', 'shop.billing', true],
    ['shop.api,service', 'production', 'shop.api.1', true],
    ['shop.api,service', 'production', 'shop.other', false],
    ['*', 'production', 'anything', true],
  ] as const)('%s in %s: %s %s', (setting, mode, subject, expected) =>
    expect(isAsked(CheckedSubjects.of(setting, mode), subject)).toBe(expected),
  );

  it.each(['command.health.ReportCalls.x', 'event.a', '$JS.API.INFO', '_INBOX.a', 'hint.log.x'])(
    'are never %s',
    (own) => {
      for (const setting of ['*', own.split('.')[0], undefined])
        expect(isAsked(CheckedSubjects.of(setting, 'development'), own)).toBe(false);
    },
  );
});
