import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkCallbacks } from './callbacks.js';

await useBackend();

for (const subject of subjects) checkCallbacks(subject);
