import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkEncoders } from './encoders.js';

await useBackend();

for (const subject of subjects) checkEncoders(subject);
