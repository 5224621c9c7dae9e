import { useBackend } from '../../src/backend/choose.js';
import { distinctSubjects } from '../subjects.js';
import { checkReconstruction } from './reconstruction.js';

await useBackend();

for (const subject of distinctSubjects) checkReconstruction(subject);
