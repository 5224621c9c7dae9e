/** Captures what TensorFlow.js logs while it starts: it may become part of an error, and is not printed. */

/** Log messages of TensorFlow.js that users of this library can do nothing about. */
const suppressed = [
  /^\s*=+\s*Hi, looks like you are running TensorFlow\.js/,
  /backend was already registered/,
  /^The kernel '.*' for backend '.*' is already registered/,
  /^Overriding the gradient for/,
  /^Platform .* has already been set/,
  /^Aborted\(/,
  /^failed to asynchronously prepare wasm/,
];

/** The message after this one is the stack of the same error. */
const failure = /^Initialization of backend \S+ failed/;

/**
 * Runs `task` with the startup messages of TensorFlow.js suppressed. Returns its value and these messages, one line each.
 * Everything else is logged as usual, and the console is restored afterwards.
 */
export async function quietly<T>(task: () => Promise<T>): Promise<{ value: T; messages: string[] }> {
  const messages: string[] = [];
  const restoreWarn = capture('warn', messages);
  const restoreError = capture('error', messages);
  try {
    return { value: await task(), messages };
  } finally {
    restoreError();
    restoreWarn();
  }
}

/** Filters one method of the console. Call the returned function to restore it. */
function capture(method: 'warn' | 'error', messages: string[]): () => void {
  const original = console[method];
  let stackFollows = false;
  const filtered = (...parts: unknown[]) => {
    const line = parts.map(String).join(' ');
    const failed = failure.test(line);
    if (failed || stackFollows || suppressed.some((pattern) => pattern.test(line))) {
      messages.push(line.split('\n')[0]!);
      stackFollows = failed;
    } else {
      original.apply(console, parts);
    }
  };
  console[method] = filtered;
  return () => {
    // The program may have replaced the method meanwhile.
    if (console[method] === filtered) console[method] = original;
  };
}
