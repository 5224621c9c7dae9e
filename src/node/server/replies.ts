/** What a request is answered with: JSON, CSV or `.npy`. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { writeHeader } from '../npyHeader.js';
import { csvText, type OutputBlock } from '../table/writeTable.js';
import { type BodyForm, formOf } from './requestRows.js';

/** A table as an answer. */
export interface Answer {
  readonly rows: number;
  readonly columns: readonly string[];
  /** By column. */
  readonly values: OutputBlock;
  /** As JSON. */
  readonly json: () => object;
}

/** Bytes of the header of a `.npy` file. */
const HEADER = 128;

const mediaTypes = { json: 'application/json', csv: 'text/csv', npy: 'application/x-npy' } as const;

/** Sends an answer in the form that the request accepts, by default that of its body. */
export function send(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  const form = acceptedForm(request);
  reply.type(mediaTypes[form]);
  if (form === 'json') return reply.send(JSON.stringify(answer.json()));
  if (form === 'csv') return reply.send(csvText(answer.columns, answer.rows, answer.values));
  return reply.send(Buffer.from(npyBytes(answer)));
}

function acceptedForm({ headers }: FastifyRequest): BodyForm {
  for (const each of (headers.accept ?? '').split(',')) {
    const form = formOf(each.trim());
    if (form) return form;
  }
  return formOf(headers['content-type']) ?? 'json';
}

/** The columns of numbers. */
function npyBytes({ rows, values }: Answer): Uint8Array {
  const columns = values.filter((column) => rows === 0 || typeof column[0] === 'number');
  const shape = [rows, columns.length];
  const data = new Float32Array(rows * columns.length);
  for (const [c, column] of columns.entries()) {
    for (let row = 0; row < rows; row++) data[row * columns.length + c] = column[row] as number;
  }
  const header = writeHeader('f4', shape, HEADER);
  const bytes = new Uint8Array(header.length + data.byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(data.buffer), header.length);
  return bytes;
}

/** The rows of a matrix, as JSON has them. */
export function nested(data: Float32Array, rows: number): number[][] {
  const width = rows === 0 ? 0 : data.length / rows;
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}
