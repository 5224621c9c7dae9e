import { useBackend } from '../../src/backend/choose.js';
import { useThreads } from '../helpers/threads.js';
import { subjects } from '../subjects.js';
import { checkCallbacks } from './callbacks.js';

await useBackend();
useThreads(1);

for (const subject of subjects) checkCallbacks(subject);
