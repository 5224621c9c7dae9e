import { useBackend } from '../../src/backend/choose.js';
import { useThreads } from '../helpers/threads.js';
import { distinctSubjects } from '../subjects.js';
import { checkLandmarks } from './landmarks.js';

await useBackend();
useThreads(1);

for (const subject of distinctSubjects) checkLandmarks(subject);
