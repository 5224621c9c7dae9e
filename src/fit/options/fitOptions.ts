/** The options that the parts of a fit read, for any estimator. */

import { defaultsOf, type OptionRows } from '../../core/options.js';
import { type CorrelationOptions, correlationRows } from './correlation.js';
import { type LandmarkOptions, landmarkRows } from './landmarks.js';
import { type NetworkOptions, networkRows } from './network.js';
import { type ReconstructionOptions, reconstructionRows } from './reconstruction.js';
import { type RunOptions, runRows } from './run.js';
import { type SupervisionOptions, supervisionRows } from './supervision.js';
import { type TrainingOptions, trainingRows } from './training.js';

export interface FitOptions
  extends NetworkOptions,
    ReconstructionOptions,
    CorrelationOptions,
    LandmarkOptions,
    SupervisionOptions,
    TrainingOptions,
    RunOptions {}

/** The rows of all groups, for estimators to pick from. */
export const fitRows: OptionRows<FitOptions> = {
  ...networkRows,
  ...reconstructionRows,
  ...correlationRows,
  ...landmarkRows,
  ...supervisionRows,
  ...trainingRows,
  ...runRows,
};

/** Values for an estimator that lacks some of the groups: with them, these groups do nothing. */
export const fitDefaults: Readonly<FitOptions> = defaultsOf(fitRows);
