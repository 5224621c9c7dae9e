#!/usr/bin/env node
/** The command `parametric-umap`. */
import { runProgram } from './program.js';

process.exitCode = await runProgram(process.argv.slice(2));
