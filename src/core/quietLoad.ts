/**
 * Suppresses the warnings that TensorFlow.js prints when a second version of it is loaded: one for each of its 170
 * kernels, though both versions work. `tf.ts` imports this file first, and calls `endQuiet` once TensorFlow.js is loaded.
 */
const duplicateWarning =
  /^(The kernel '.*' for backend '.*' is already|Overriding the gradient for|\S+ backend was already registered|Platform .* has already been set)/;

const { warn } = console;

function filtered(...parts: unknown[]): void {
  if (!duplicateWarning.test(String(parts[0]))) warn.apply(console, parts);
}

console.warn = filtered;

/** Restores `console.warn`, unless other code has replaced it meanwhile. */
export function endQuiet(): void {
  if (console.warn === filtered) console.warn = warn;
}
