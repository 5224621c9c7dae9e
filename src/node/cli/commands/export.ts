/** `export`: a part of a saved model as an ONNX file. */

import { type Command, Option } from 'commander';
import { replaceWhole } from '../../../artifact/wholeFile.js';
import { OptionError } from '../../../core/errors.js';
import type { OnnxOptions } from '../../../estimators/onnx.js';
import type { ColumnPlan } from '../../table/columnPlan.js';
import { shortList } from '../../table/table.js';
import { type CommonFlags, readModel, report } from '../context.js';

interface ExportFlags extends CommonFlags {
  readonly onnx: string;
  readonly part: NonNullable<OnnxOptions['part']>;
  readonly scaling: boolean;
}

/** Adds the command. */
export function addExport(program: Command): void {
  program
    .command('export')
    .summary('a model for other engines, as ONNX')
    .description(
      'Writes a part of a saved model as an ONNX file. It takes the numbers of the columns in their order, unscaled, as 64-bit floats: ' +
        'the scaling that was learned with the model is in it. Categories are one number each, 1 or 0.',
    )
    .argument('<model>', 'directory of the model')
    .requiredOption('--onnx <file>', 'write the ONNX model')
    .addOption(
      new Option(
        '--part <name>',
        'rows to the map, places on the map to rows, or rows to probabilities of labels',
      )
        .choices(['encoder', 'decoder', 'classifier'])
        .default('encoder'),
    )
    .option('--no-scaling', 'leave the scaling out: the model takes scaled rows, as 32-bit floats')
    .addHelpText('after', '\nExample:\n  $ parametric-umap export model/ --onnx encoder.onnx')
    .action(exportModel);
}

async function exportModel(path: string, flags: ExportFlags): Promise<void> {
  const { onnx: file, part } = flags;
  if (!/\.onnx$/i.test(file)) {
    throw new OptionError(`--onnx: expected a name that ends in .onnx, got ${file}; give such a name`);
  }
  const { estimator, plan } = await readModel(path, flags);
  try {
    const columns = plan ? numberNames(plan) : [];
    const scaled = plan !== undefined && flags.scaling && plan.scaling !== 'none';
    const { shift, factor, mean, missing } = plan ?? {};
    const bytes = await estimator.toONNX({
      part,
      ...(scaled && {
        scaling: { shift: shift!, factor: factor!, missing: missing === 'mean' ? mean : undefined },
      }),
      ...(plan && { metadata: { columns: JSON.stringify(columns) } }),
    });
    await replaceWhole(file, bytes);
    const width = estimator.encoder.inputs[0]!.shape.slice(1);
    report(flags, { model: path, part, onnx: file, bytes: bytes.length, columns, scaling: scaled }, [
      `onnx: ${file} (${part}, ${bytes.length} bytes; rows: ${columns.length > 0 ? shortList(columns) : `[${width.join(', ')}]`})`,
    ]);
  } finally {
    estimator.dispose();
  }
}

/** A name for each number of a row. */
function numberNames({ features }: ColumnPlan): string[] {
  return features.flatMap(({ name, kind, width, categories }) => {
    if (kind === 'number') return [name];
    return Array.from({ length: width }, (_, i) =>
      categories ? `${name}=${categories[i]}` : `${name}_${i}`,
    );
  });
}
