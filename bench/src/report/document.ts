import type { Machine } from '../measure/machine';
import { percentOf, type Profile } from '../profile/profile';
import type { Figure } from './figure';
import { rowsOf } from './table';

const FUNCTIONS_SHOWN = 15;

export interface Report {
  readonly machine: Machine;
  readonly servers: string;
  readonly command: string;
  readonly figures: readonly Figure[];
  /** Share of the cores that others used while a part was measured, by its name. */
  readonly others: ReadonlyMap<string, number>;
  readonly profiles: readonly Profile[];
}

/** The parts of a document that a run replaces, each between two comments that name it. */
export const SECTIONS = ['figures', 'profile'] as const;
type Section = (typeof SECTIONS)[number];

/** @throws {Error} The document has no such section. */
export function replaceSection(document: string, section: string, text: string): string {
  const [begin, end] = [`<!-- begin ${section} -->`, `<!-- end ${section} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`the document has no section between ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`;
}

export const sectionText = (section: Section, report: Report): string => {
  switch (section) {
    case 'figures':
      return [about(report), ...partsOf(report)].join('\n\n');
    case 'profile':
      return report.profiles.map(profileText).join('\n\n');
  }
};

/** Where, when and how figures were measured. */
export const about = ({
  machine,
  servers,
  command,
}: Pick<Report, 'machine' | 'servers' | 'command'>): string =>
  [
    `\`${command}\`, ${machine.date} UTC. ${machine.cores} cores (${machine.cpu}), ${machine.memory_gb} GB,`,
    `${machine.kernel}, Node ${machine.node}, ${servers}.`,
  ].join('\n');

const partsOf = ({ figures, others }: Report): readonly string[] =>
  [...new Set(figures.map(({ part }) => part))].map((part) =>
    [
      `### ${part}`,
      '',
      `Others used ${percentOf(others.get(part) ?? 0)} of the cores meanwhile.`,
      '',
      ...markdownTable(
        ['Figure', 'Median', 'Spread', 'Unit', 'Target', ''],
        rowsOf(figures.filter((one) => one.part === part)).map((row) => row.slice(1)),
      ),
    ].join('\n'),
  );

const profileText = ({ process, libraries, functions, connections }: Profile): string =>
  [
    `### ${process}`,
    '',
    ...markdownTable(
      ['Library', 'Share of CPU time'],
      libraries.map(({ name, share }) => [name, percentOf(share)]),
    ),
    '',
    ...markdownTable(
      ['Function', 'Where', 'Share'],
      functions
        .slice(0, FUNCTIONS_SHOWN)
        .map(({ name, place, share }) => [`\`${name}\``, place, percentOf(share)]),
    ),
    ...(connections.length === 0
      ? []
      : [
          '',
          ...markdownTable(
            ['Postgres process', 'µs per run'],
            connections.map(({ name, usPerRun }) => [name, String(usPerRun)]),
          ),
        ]),
  ].join('\n');

/** With columns as wide as their longest cell, which is how Prettier leaves it. */
export function markdownTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const width = (column: number) =>
    Math.max(3, ...[titles, ...rows].map((row) => [...(row[column] ?? '')].length));
  const line = (row: readonly string[]) =>
    `| ${titles.map((_, column) => pad(row[column] ?? '', width(column))).join(' | ')} |`;
  const rule = `| ${titles.map((_, column) => '-'.repeat(width(column))).join(' | ')} |`;
  return [line(titles), rule, ...rows.map(line)];
}

const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - [...text].length));
