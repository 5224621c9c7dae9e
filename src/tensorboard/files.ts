/** Files of a log in a directory that may hold those of others: nothing that is there is overwritten. */
import { requireNode } from '../core/platform.js';

/** Files in a directory. */
export interface LogFiles {
  /** Makes a file named `name` of the lowest number from 0 on for which there is none, and gives its name. */
  create(name: (number: number) => string, content: Uint8Array | string): Promise<string>;
  /** Appends to a file that is there. Rejects where it is not. */
  append(name: string, content: Uint8Array): Promise<void>;
  /** Appends to a file, which is made where there is none. */
  add(name: string, content: string): Promise<void>;
}

/** The files of a directory, by its path or `file:` URL; it is made with the first file. Throws `UnavailableError` without Node.js. */
export async function logFiles(directory: string): Promise<LogFiles> {
  const advice = 'leave the callback out';
  const fs = await requireNode<typeof import('node:fs/promises')>('fs/promises', 'tensorboard', advice);
  const { constants } = await requireNode<typeof import('node:fs')>('fs', 'tensorboard', advice);
  const path = await requireNode<typeof import('node:path')>('path', 'tensorboard', advice);
  const { fileURLToPath } = await requireNode<typeof import('node:url')>('url', 'tensorboard', advice);
  const folder = path.resolve(directory.startsWith('file:') ? fileURLToPath(directory) : directory);
  const at = (name: string) => path.join(folder, name);
  return {
    async create(name, content) {
      await fs.mkdir(folder, { recursive: true });
      for (let number = 0; ; number++) {
        try {
          await fs.writeFile(at(name(number)), content, { flag: 'wx' });
          return name(number);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
      }
    },
    async append(name, content) {
      // Opened each time, so that nothing is left open by a training that fails.
      const file = await fs.open(at(name), constants.O_WRONLY | constants.O_APPEND);
      try {
        await file.writeFile(content);
      } finally {
        await file.close();
      }
    },
    add: (name, content) => fs.appendFile(at(name), content),
  };
}
