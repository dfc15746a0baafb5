import { replaceSection } from './document';

const DOCUMENT = `# Title

<!-- begin figures -->

old

<!-- end figures -->

kept
`;

describe('a section of a document', () => {
  it('is replaced, and nothing else', () =>
    expect(replaceSection(DOCUMENT, 'figures', 'new')).toBe(DOCUMENT.replace('old', 'new')));

  it('can be replaced again', () => {
    const once = replaceSection(DOCUMENT, 'figures', 'new');
    expect(replaceSection(once, 'figures', 'new')).toBe(once);
  });

  it('must be there', () =>
    expect(() => replaceSection(DOCUMENT, 'profile', 'new')).toThrow(/no section/));
});
