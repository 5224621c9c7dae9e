/**
 * A checkpoint as the bytes of one file: a line of JSON (format, version, state, list of arrays), the arrays, and at the end the
 * SHA-256 of all before as text. No file system here.
 */

import { ArtifactError } from '../core/errors.js';
import { fromUtf8, toUtf8 } from '../core/utf8.js';
import { packTable, planTable, unpackTable } from './arrays.js';
import { asObject, encodeJson, type JsonObject, parseJson, show } from './json.js';
import { libraryVersion, sha256 } from './manifest.js';
import { packState, unpackState } from './packState.js';

const formatName = 'parametric-umap checkpoint';
/** Version of the format, which is raised when an older library could not go on from it. */
const formatVersion = 1;
/** What every checkpoint begins with. */
const opening = `{"format":"${formatName}",`;
const hashLength = 64;
/** Arrays start at a multiple of this. */
const alignment = 8;
const damaged = 'it was damaged or edited; remove it, and fit from the beginning';

/** The bytes of a checkpoint of plain data with typed arrays in it. Throws `ArtifactError` for other data, such as functions. */
export async function checkpointBytes(value: object): Promise<Uint8Array> {
  const table = packState(value);
  const { bytes, arrays } = packTable(table, 'checkpoint');
  const fields = { formatVersion, libraryVersion, state: encodeJson(table.state, 'checkpoint'), arrays };
  const header = toUtf8(opening + JSON.stringify(fields).slice(1));
  const start = Math.ceil((header.length + 1) / alignment) * alignment;
  const whole = new Uint8Array(start + bytes.length + hashLength).fill(32, 0, start);
  whole.set(header);
  whole[start - 1] = 10;
  whole.set(bytes, start);
  const end = whole.length - hashLength;
  whole.set(toUtf8(await sha256(whole.subarray(0, end))), end);
  return whole;
}

/** Whether a file, by its first bytes, was written by `checkpointBytes`, complete or not. */
export function isCheckpoint(bytes: Uint8Array): boolean {
  const expected = toUtf8(opening);
  return expected.every((byte, i) => bytes[i] === byte);
}

/** The data of a checkpoint. Throws `ArtifactError` for a file that is damaged, of another program or of another version. */
export async function readCheckpoint(bytes: Uint8Array, where: string): Promise<unknown> {
  if (!isCheckpoint(bytes)) {
    throw refused(where, 'a checkpoint of this library', 'another file', 'give a directory of its own');
  }
  const start = bytes.indexOf(10) + 1;
  const end = bytes.length - hashLength;
  if (start === 0 || end < start) throw refused(where, 'a complete file', 'a part of one', damaged);
  const header = asObject(parseJson(bytes.subarray(0, start), where), where);
  checkVersion(header, where);
  const stated = fromUtf8(bytes.subarray(end));
  const found = await sha256(bytes.subarray(0, end));
  if (stated !== found) throw refused(where, `SHA-256 ${show(stated)}`, found, damaged);
  const slots = planTable(header.arrays, `${where}: arrays`, end - start);
  const arrays = unpackTable(slots, bytes.subarray(start, end));
  return unpackState({ state: asObject(header.state, `${where}: state`), arrays });
}

function checkVersion({ formatVersion: version, libraryVersion: by }: JsonObject, where: string): void {
  if (version === formatVersion) return;
  throw refused(
    where,
    `format ${formatVersion}, which parametric-umap ${libraryVersion} reads`,
    `${show(version)}, written by parametric-umap ${show(by)}`,
    'go on with that version, or remove the checkpoint and fit from the beginning',
  );
}

function refused(where: string, expected: string, got: string, advice: string): ArtifactError {
  return new ArtifactError(`checkpoint: ${where}: expected ${expected}, got ${got}; ${advice}`);
}
