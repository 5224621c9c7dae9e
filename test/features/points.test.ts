import { useBackend } from '../../src/backend/choose.js';
import { useThreads } from '../helpers/threads.js';
import { subjects } from '../subjects.js';
import { checkPoints } from './points.js';

await useBackend();
useThreads(1);

for (const subject of subjects) checkPoints(subject);
