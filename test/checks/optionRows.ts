/** Checks of the table from which an estimator takes its options; they know no option by name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { OptionError } from '../../src/core/errors.js';
import { read } from '../helpers/files.js';
import type { Subject } from './subject.js';

/** Registers a test for each check. */
export function checkOptionRows({ name, optionRows: rows, create, optionsPage }: Subject): void {
  test(`${name}: every option accepts its default and takes it when left out`, () => {
    const plain = create({});
    assert.deepEqual(Object.keys(plain.options), Object.keys(rows));
    for (const [option, row] of Object.entries(rows)) {
      assert.ok(row.rule.accepts(row.default), option);
      const estimator = create({ [option]: row.default });
      assert.deepEqual(estimator.options, plain.options, option);
      assert.deepEqual((plain.options as Record<string, unknown>)[option], row.default, option);
      estimator.dispose();
    }
    plain.dispose();
  });

  test(`${name}: every option rejects bad values, with its name and what it expects`, () => {
    for (const [option, { rule }] of Object.entries(rows)) {
      assert.ok(rule.bad.length >= 4, `${option}: ${rule.bad.length} bad values`);
      for (const value of rule.bad) {
        assert.throws(
          () => create({ [option]: value }),
          (error: unknown) =>
            error instanceof OptionError &&
            error.message.startsWith(`${name}: ${option}: expected ${rule.text}, got `),
          `${option}: ${inspect(value)}`,
        );
      }
    }
  });

  if (optionsPage === undefined) return;
  test(`${name}: the table of the docs is the table of the code`, () => {
    const documented = tableOf(read(optionsPage));
    const inCode = Object.entries(rows).map(([option, row]) => ({
      option,
      default: typeof row.default === 'string' ? `'${row.default}'` : JSON.stringify(row.default),
      meaning: row.help,
    }));
    assert.deepEqual(documented, inCode);
  });
}

/** Rows of all tables with these three columns; a link is read as its text. */
function tableOf(page: string) {
  const tables = [...page.matchAll(/^\| option \| default \| meaning \|\n\|[-:| ]+\n((?:\|.*\n?)+)/gm)];
  return tables
    .flatMap(([, lines]) => lines!.trimEnd().split('\n'))
    .map((line) => {
      const cells = /^\| `(\w+)` \| `(.*?)` \| (\S.*?) \|$/.exec(line);
      assert.ok(cells, line);
      return {
        option: cells[1]!,
        default: cells[2]!,
        meaning: cells[3]!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'),
      };
    });
}
