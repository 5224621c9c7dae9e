import { useBackend } from '../../src/backend/choose.js';
import { distinctSubjects } from '../subjects.js';
import { checkEncoders } from './encoders.js';

await useBackend();

for (const subject of distinctSubjects) checkEncoders(subject);
