/** Text as UTF-8 bytes and back. */
import { UnavailableError } from './errors.js';

/** The bytes of a text. */
export function toUtf8(text: string): Uint8Array {
  return new (codec('TextEncoder'))().encode(text);
}

/** The text of bytes; with `strict`, what is not UTF-8 is a `TypeError`, and a byte order mark stays. */
export function fromUtf8(bytes: Uint8Array, strict = false): string {
  return new (codec('TextDecoder'))('utf-8', { fatal: strict, ignoreBOM: strict }).decode(bytes);
}

type Codecs = Pick<typeof globalThis, 'TextEncoder' | 'TextDecoder'>;

/** Some test environments that imitate a browser hide both, though Node.js has them. */
function codec<Name extends keyof Codecs>(name: Name): Codecs[Name] {
  const here: Partial<Codecs> = globalThis;
  const found = here[name] ?? nodeUtil()?.[name];
  if (found !== undefined) return found as Codecs[Name];
  throw new UnavailableError(`saved models need ${name}, which is missing here; make it a global first`);
}

function nodeUtil(): Partial<Codecs> | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => Partial<Codecs> } };
  return process?.getBuiltinModule?.('node:util');
}
