/** The options of every estimator against the rows they are made from. */
import { checkOptionRows } from '../checks/optionRows.js';
import { subjects } from '../subjects.js';

for (const subject of subjects) if (subject.variant === undefined) checkOptionRows(subject);
