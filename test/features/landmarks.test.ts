import { useBackend } from '../../src/backend/choose.js';
import { distinctSubjects } from '../subjects.js';
import { checkLandmarks } from './landmarks.js';

await useBackend();

for (const subject of distinctSubjects) checkLandmarks(subject);
