/** Text as UTF-8 bytes and back. */
import { UnavailableError } from './errors.js';

/** The bytes of a text. */
export function toUtf8(text: string): Uint8Array {
  return new (codec('TextEncoder'))().encode(text);
}

/** The text of UTF-8 bytes. With `strict`, throws `TypeError` for other bytes, and keeps a byte order mark. */
export function fromUtf8(bytes: Uint8Array, strict = false): string {
  return new (codec('TextDecoder'))('utf-8', { fatal: strict, ignoreBOM: strict }).decode(bytes);
}

type Codecs = Pick<typeof globalThis, 'TextEncoder' | 'TextDecoder'>;

/** Test environments that imitate a browser may hide both, though Node.js has them. */
function codec<Name extends keyof Codecs>(name: Name): Codecs[Name] {
  const here: Partial<Codecs> = globalThis;
  const found = here[name] ?? nodeUtil()?.[name];
  if (found !== undefined) return found as Codecs[Name];
  throw new UnavailableError(
    `saved model: expected ${name} as a global, got none; define globalThis.${name} first`,
  );
}

function nodeUtil(): Partial<Codecs> | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => Partial<Codecs> } };
  return process?.getBuiltinModule?.('node:util');
}
