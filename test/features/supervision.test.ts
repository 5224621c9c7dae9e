import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkSupervision } from './supervision.js';

await useBackend();

for (const subject of subjects) checkSupervision(subject);
