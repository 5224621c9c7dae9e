/** Every estimator under test, a toy among them: a new one adds a file in `subjects/` and a line here. A class may have several. */
import type { Subject } from './checks/subject.js';
import { compressionVae, vampPriorVae } from './subjects/compressionVae.js';
import {
  contrastiveEmbedding,
  contrastivePoints,
  noiseContrastive,
} from './subjects/contrastiveEmbedding.js';
import { classicUmap, parametricUmap, umapPoints } from './subjects/parametricUmap.js';
import { principalComponents } from './subjects/principalComponents.js';

export const subjects: readonly Subject[] = [
  ...[parametricUmap, umapPoints, classicUmap],
  ...[contrastiveEmbedding, contrastivePoints, noiseContrastive],
  ...[compressionVae, vampPriorVae],
  principalComponents,
];

/** Those that differ in more than a learned number: for features that know nothing of such. */
export const distinctSubjects = subjects.filter(({ learnsMore }) => !learnsMore);
