/**
 * TensorFlow.js talks on the console while it starts. What it says is kept for the reason we give, not
 * printed.
 */

/** Warnings of TensorFlow.js that tell a user of this library nothing to act on. */
const chatter = [
  /^\s*=+\s*Hi, looks like you are running TensorFlow\.js/,
  /backend was already registered/,
  /^The kernel '.*' for backend '.*' is already registered/,
  /^Overriding the gradient for/,
  /^Platform .* has already been set/,
  /^Aborted\(/,
  /^failed to asynchronously prepare wasm/,
];

/** After this one, the next warning is the stack of the same error. */
const failure = /^Initialization of backend \S+ failed/;

/**
 * Runs `task` with TensorFlow.js' own start-up messages held back, and gives its value with what was held
 * back. Everything else that is logged meanwhile passes. The console is as before afterwards.
 */
export async function quietly<T>(task: () => Promise<T>): Promise<{ value: T; said: string[] }> {
  const said: string[] = [];
  const restoreWarn = hold('warn', said);
  const restoreError = hold('error', said);
  try {
    return { value: await task(), said };
  } finally {
    restoreError();
    restoreWarn();
  }
}

/** Filters one method of the console until the function that it returns is called. */
function hold(method: 'warn' | 'error', said: string[]): () => void {
  const original = console[method];
  let stackFollows = false;
  const filtered = (...parts: unknown[]) => {
    const line = parts.map(String).join(' ');
    const failed = failure.test(line);
    if (failed || stackFollows || chatter.some((pattern) => pattern.test(line))) {
      said.push(line.split('\n')[0]!);
      stackFollows = failed;
    } else {
      original.apply(console, parts);
    }
  };
  console[method] = filtered;
  return () => {
    // Whoever replaced the method meanwhile keeps it.
    if (console[method] === filtered) console[method] = original;
  };
}
