import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkCheckpoints } from './checkpoints.js';

await useBackend();

for (const subject of subjects) checkCheckpoints(subject);
