import { useBackend } from '../../src/backend/choose.js';
import { subjects } from '../subjects.js';
import { checkTensorBoard } from './tensorboard.js';

await useBackend();

for (const subject of subjects) checkTensorBoard(subject);
