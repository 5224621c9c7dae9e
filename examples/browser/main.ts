/** A saved model in a page: places a drawn digit on the map, decodes clicked places, and trains on a dropped file in a worker. */

import { fromFiles, ParametricUMAP } from 'parametric-umap';
import { classColors, mapView } from './mapView.js';
import { digitOf, drawingPad, paintDigit } from './pad.js';
import type { FromWorker, ToWorker } from './trainWorker.js';

const find = <T extends HTMLElement>(selector: string) => document.querySelector<T>(selector)!;

async function fetched(name: string): Promise<Response> {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

/** The model that `npm run site` has trained, and the places of the digits that it was trained on. */
async function openModel() {
  const read = async (name: string) => new Uint8Array(await (await fetched(`model/${name}`)).arrayBuffer());
  const umap = await ParametricUMAP.fromArtifact(await fromFiles(read, { kind: 'ParametricUMAP' }));
  const { positions, labels } = (await (await fetched('map.json')).json()) as {
    positions: number[];
    labels: number[];
  };
  return { umap, positions, labels };
}

async function digits(): Promise<void> {
  const { umap, positions, labels } = await openModel();
  const map = mapView(find('#map'), decode);
  map.show({ positions, classes: labels });
  find('#legend').innerHTML = classColors
    .map((color, digit) => `<li><i style="background:${color}"></i>${digit}</li>`)
    .join('');

  async function decode(x: number, y: number): Promise<void> {
    const [picture] = await umap.inverseTransform([[x, y]]);
    paintDigit(find('#decoded'), picture!);
    find('#place').textContent = `Decoded from (${x.toFixed(1)}, ${y.toFixed(1)}).`;
  }

  // One at a time: a drawing that changes meanwhile is embedded afterwards.
  let busy = false;
  let again = false;
  async function place(): Promise<void> {
    again = busy;
    if (busy) return;
    busy = true;
    const digit = digitOf(find('#pad'));
    if (digit) {
      const start = performance.now();
      const row = [[...digit]];
      const [position] = await umap.transform(row);
      const milliseconds = performance.now() - start;
      const [probabilities] = await umap.predictProba(row);
      const best = probabilities!.indexOf(Math.max(...probabilities!));
      map.setMark({ x: position![0]!, y: position![1]! });
      find('#guess').textContent =
        `Looks like ${umap.classes[best]} (${Math.round(100 * probabilities![best]!)} %), placed in ${milliseconds.toFixed(1)} ms.`;
    } else {
      map.setMark(undefined);
      find('#guess').textContent = 'Nothing drawn yet.';
    }
    busy = false;
    if (again) await place();
  }

  const pad = drawingPad(find('#pad'), () => void place());
  find('#clear').addEventListener('click', pad.clear);
}

function ownRows(): void {
  const [progress, stop, status] = [find<HTMLProgressElement>('#progress'), find('#stop'), find('#status')];
  const trained = find<HTMLCanvasElement>('#trained');
  const map = mapView(trained);
  let worker: Worker | undefined;
  const say = (message: ToWorker) => worker?.postMessage(message);

  async function train(file: File): Promise<void> {
    worker?.terminate();
    worker = new Worker(new URL('./trainWorker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => take(data));
    progress.value = 0;
    progress.hidden = stop.hidden = false;
    status.textContent = `reading ${file.name}`;
    say({ kind: 'train', text: await file.text() });
  }

  function take(message: FromWorker): void {
    if (message.kind === 'progress') {
      progress.value = message.done;
      status.textContent = message.what;
      return;
    }
    progress.hidden = stop.hidden = true;
    if (message.kind === 'failed') {
      status.textContent = message.message;
      return;
    }
    trained.hidden = false;
    map.show({ positions: message.map, classes: message.classes });
    status.textContent = `${message.rows} rows${message.stopped ? ', stopped early' : ''}`;
  }

  stop.addEventListener('click', () => {
    status.textContent = 'stopping';
    say({ kind: 'stop' });
  });
  const input = find<HTMLInputElement>('#file');
  input.addEventListener('change', () => input.files?.[0] && void train(input.files[0]));
  const zone = find('#own');
  for (const type of ['dragover', 'dragleave', 'drop'] as const) {
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.toggle('over', type === 'dragover');
      const file = type === 'drop' ? event.dataTransfer?.files[0] : undefined;
      if (file) void train(file);
    });
  }
}

ownRows();
digits().catch((error: Error) => {
  find('#guess').textContent = `The model could not be loaded: ${error.message}`;
});
