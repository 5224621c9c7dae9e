import type { Progress } from './types.js';
export function progressBar() {
  return {
    line: (text: string) => console.error(text),
    report: (p: Progress) => console.error(p.step, p.losses),
    finish() {},
  };
}
