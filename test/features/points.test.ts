import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkPoints } from './points.js';

await useBackend();

for (const subject of subjects) checkPoints(subject);
