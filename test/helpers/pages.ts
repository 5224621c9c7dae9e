/** The README and the pages of `docs`, and the code in them. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { read, root } from './files.js';

/** Paths from the root, and texts. */
export const pages: ReadonlyMap<string, string> = new Map(
  ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)]
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name, read(name)]),
);

export interface Block {
  readonly page: string;
  /** Line of the page on which the code begins, from 1. */
  readonly line: number;
  /** Heading above it. */
  readonly section: string;
  readonly language: string;
  /** What stands behind the language. */
  readonly info: string;
  readonly code: string;
}

export const blocks: readonly Block[] = [...pages].flatMap(([page, text]) =>
  [...text.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const before = text.slice(0, match.index);
    return {
      page,
      line: before.split('\n').length + 1,
      section: before
        .match(/^#+ (.*)$/gm)!
        .at(-1)!
        .replace(/^#+ /, ''),
      language: match[1]!,
      info: match[2]!.trim(),
      code: match[3]!,
    };
  }),
);

/** The examples of the README's section "Use". */
export const [firstExample, wholeLife] = blocks
  .filter(({ page, section }) => page === 'README.md' && section === 'Use')
  .map(({ code }) => code) as [string, string];

/** The name by which a link leads to a heading, as GitHub makes it. */
export function anchors(text: string): string[] {
  return [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}
