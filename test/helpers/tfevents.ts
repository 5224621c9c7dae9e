/** An independent reader of TensorBoard's event files: checks every checksum, and knows the fields of messages by their numbers. */
import assert from 'node:assert/strict';

/** What a message holds, by field number; several values of a field in their order. */
type Fields = Map<number, (number | Buffer)[]>;

export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  readonly limits: number[];
  readonly counts: number[];
}

export interface Event {
  readonly wallTime: number;
  readonly step: number;
  readonly version: string | undefined;
  readonly scalars: Readonly<Record<string, number>>;
  readonly histograms: Readonly<Record<string, Histogram>>;
}

/** CRC-32C bit by bit, by the definition. */
export function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  return Number(crc ^ 0xffffffffn);
}

function checkSum(bytes: Buffer, stored: number): void {
  const crc = BigInt(slowCrc32c(bytes));
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
  assert.equal(stored, Number((rotated + 0xa282ead8n) & 0xffffffffn), 'checksum');
}

/** The data of all records of a file; a record that is cut off fails. */
export function readRecords(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    checkSum(file.subarray(at, at + 8), file.readUInt32LE(at + 8));
    const data = file.subarray(at + 12, at + 12 + length);
    checkSum(data, file.readUInt32LE(at + 12 + length));
    records.push(data);
    at += 16 + length;
  }
  return records;
}

function fieldsOf(message: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  const take = (length: number) => {
    at += length;
    assert.ok(at <= message.length, 'a field is cut off');
    return message.subarray(at - length, at);
  };
  const read: Readonly<Record<number, () => number | Buffer>> = {
    0: varint,
    1: () => take(8).readDoubleLE(),
    2: () => take(varint()),
    5: () => take(4).readFloatLE(),
  };
  while (at < message.length) {
    const key = varint();
    const values = fields.get(key >> 3) ?? [];
    fields.set(key >> 3, values);
    values.push(read[key & 7]!());
  }
  return fields;
}

const numberOf = (fields: Fields, field: number) => fields.get(field)![0] as number;

function doublesOf(fields: Fields, field: number): number[] {
  const packed = fields.get(field)![0] as Buffer;
  return Array.from({ length: packed.length / 8 }, (_, i) => packed.readDoubleLE(8 * i));
}

function histogramOf(message: Buffer): Histogram {
  const fields = fieldsOf(message);
  const [min, max, num, sum, sumSquares] = [1, 2, 3, 4, 5].map((field) => numberOf(fields, field)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { min, max, num, sum, sumSquares, limits: doublesOf(fields, 6), counts: doublesOf(fields, 7) };
}

/** All events of a file. */
export function readEvents(file: Buffer): Event[] {
  return readRecords(file).map((data) => {
    const fields = fieldsOf(data);
    const scalars: Record<string, number> = {};
    const histograms: Record<string, Histogram> = {};
    const [summary] = fields.get(5) ?? [];
    for (const entry of summary ? (fieldsOf(summary as Buffer).get(1) ?? []) : []) {
      const value = fieldsOf(entry as Buffer);
      const tag = String(value.get(1)![0]);
      if (value.has(2)) scalars[tag] = numberOf(value, 2);
      else histograms[tag] = histogramOf(value.get(5)![0] as Buffer);
    }
    const [version] = fields.get(3) ?? [];
    return {
      wallTime: numberOf(fields, 1),
      step: fields.has(2) ? numberOf(fields, 2) : 0,
      version: version?.toString(),
      ...{ scalars, histograms },
    };
  });
}
