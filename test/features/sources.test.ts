import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkSources } from './sources.js';

await useBackend();

for (const subject of subjects) checkSources(subject);
