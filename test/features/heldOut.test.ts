import { useBackend } from '../../src/backend/choose.js';
import { useThreads } from '../helpers/threads.js';
import { subjects } from '../subjects.js';
import { checkHeldOut } from './heldOut.js';

await useBackend();
useThreads(1);

for (const subject of subjects) checkHeldOut(subject);
