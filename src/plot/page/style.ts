/** Style of the page that `scatterHtml` writes. */
import { THEMES, type Theme } from '../colors.js';

const FONT = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';

function variables(theme: Theme): string {
  return Object.entries(theme)
    .map(([name, color]) => `--${name}: ${color};`)
    .join(' ');
}

/** Style sheet. A `.dot` has its colors in `--light` and `--dark`. */
export const STYLE = `
:root { color-scheme: light dark; ${variables(THEMES.light)} }
@media (prefers-color-scheme: dark) { :root { ${variables(THEMES.dark)} } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; height: 100vh; height: 100dvh; padding: 18px 20px 20px; display: flex; flex-direction: column; gap: 14px;
  background: var(--page); color: var(--ink); font: 14px/1.4 ${FONT}; }
h1 { margin: 0; font-size: 21px; line-height: 1.25; font-weight: 650; }
header p { margin: 2px 0 0; color: var(--faint); }
main { flex: 1; min-height: 0; display: flex; gap: 20px; }
#stage { position: relative; flex: 1; min-width: 0; border: 1px solid var(--frame); border-radius: 8px; overflow: hidden; background: var(--panel); }
#map { position: absolute; inset: 0; width: 100%; height: 100%; cursor: grab; touch-action: none; outline-offset: -3px; }
#map:active { cursor: grabbing; }
:focus-visible { outline: 2px solid #0e80e9; }
button { font: inherit; color: inherit; background: none; border: 0; border-radius: 6px; padding: 3px 8px; cursor: pointer; }
button:hover { background: color-mix(in srgb, var(--ink) 8%, transparent); }
#reset { position: absolute; right: 8px; bottom: 8px; color: var(--faint); background: color-mix(in srgb, var(--panel) 80%, transparent); }
#reset:hover { color: var(--ink); }
nav { flex: none; max-width: 260px; overflow-y: auto; margin: 0 -8px 0 0; }
nav h2 { margin: 4px 8px 6px; font-size: 14px; font-weight: 650; }
nav ul { list-style: none; margin: 0 0 8px; padding: 0; }
nav li button { display: flex; align-items: center; gap: 9px; width: 100%; text-align: left; }
nav .name { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
nav button { outline-offset: -2px; }
nav small { color: var(--faint); padding-left: 14px; font-variant-numeric: tabular-nums; }
button[aria-pressed=false] .name { color: var(--faint); text-decoration: line-through; }
button[aria-pressed=false] .dot { background: none; box-shadow: inset 0 0 0 1.5px var(--faint); }
#all { color: var(--faint); margin-bottom: 12px; }
.dot { flex: none; display: inline-block; width: 11px; height: 11px; border-radius: 50%; background: var(--light, var(--faint)); }
.dot[data-ring] { background: none; box-shadow: inset 0 0 0 2px var(--faint); }
.bar { position: relative; width: 14px; height: min(280px, 40vh); margin: 12px 70px 20px 8px; border-radius: 4px; background: linear-gradient(to top, var(--light)); }
.bar span { position: absolute; left: 22px; transform: translateY(50%); white-space: nowrap; }
@media (prefers-color-scheme: dark) { .dot { background: var(--dark, var(--faint)); } .bar { background: linear-gradient(to top, var(--dark)); } }
#tip { position: absolute; pointer-events: none; display: flex; gap: 11px; max-width: min(320px, 80%); padding: 8px 11px; border-radius: 8px;
  background: var(--page); border: 1px solid var(--frame); box-shadow: 0 4px 18px rgb(0 0 0 / 18%); }
#tip canvas { flex: none; align-self: flex-start; border-radius: 4px; image-rendering: pixelated; }
#tip > div { min-width: 0; }
#tip .dot { margin-right: 7px; }
#tip b { font-size: 15px; overflow-wrap: anywhere; }
#tip i { display: block; font-style: normal; color: var(--faint); white-space: nowrap; }
#tip p { margin: 3px 0 0; overflow-wrap: anywhere; }
#tip p:empty { display: none; }
@media (max-width: 640px) {
  body { height: auto; min-height: 100vh; padding: 14px; }
  main { flex-direction: column; }
  #stage { flex: none; height: 70vh; }
  nav { max-width: none; }
  nav ul { display: flex; flex-wrap: wrap; }
  .bar { margin-bottom: 24px; }
}
`;
