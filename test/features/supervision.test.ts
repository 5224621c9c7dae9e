import { useBackend } from '../../src/backend/choose.js';
import { distinctSubjects } from '../subjects.js';
import { checkSupervision } from './supervision.js';

await useBackend();

for (const subject of distinctSubjects) checkSupervision(subject);
