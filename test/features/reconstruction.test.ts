import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkReconstruction } from './reconstruction.js';

await useBackend();

for (const subject of subjects) checkReconstruction(subject);
