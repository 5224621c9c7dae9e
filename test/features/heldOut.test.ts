import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkHeldOut } from './heldOut.js';

await useBackend();

for (const subject of subjects) checkHeldOut(subject);
