/** Every estimator under test: a new one adds a file in `subjects/` and a line here. */
import type { Subject } from './checks/subject.js';
import { parametricUmap } from './subjects/parametricUmap.js';

export const subjects: readonly Subject[] = [parametricUmap];
