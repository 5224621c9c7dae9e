import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkLandmarks } from './landmarks.js';

await useBackend();

for (const subject of subjects) checkLandmarks(subject);
