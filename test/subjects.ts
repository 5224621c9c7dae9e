/** Every estimator under test, a toy among them: a new one adds a file in `subjects/` and a line here. */
import type { Subject } from './checks/subject.js';
import { contrastiveEmbedding } from './subjects/contrastiveEmbedding.js';
import { parametricUmap } from './subjects/parametricUmap.js';
import { principalComponents } from './subjects/principalComponents.js';

export const subjects: readonly Subject[] = [parametricUmap, contrastiveEmbedding, principalComponents];
