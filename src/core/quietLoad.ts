/**
 * Holds back what TensorFlow.js prints when a second version of it is loaded: a line for each of its 170 kernels, though
 * both then work. `tf.ts` imports this before all else, and ends it when all of TensorFlow.js is there.
 */
const twice =
  /^(The kernel '.*' for backend '.*' is already|Overriding the gradient for|\S+ backend was already registered|Platform .* has already been set)/;

const { warn } = console;

function filtered(...parts: unknown[]): void {
  if (!twice.test(String(parts[0]))) warn.apply(console, parts);
}

console.warn = filtered;

/** Lets every warning through again. */
export function endQuiet(): void {
  // Whoever replaced it meanwhile keeps it.
  if (console.warn === filtered) console.warn = warn;
}
