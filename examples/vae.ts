/** A variational autoencoder of digits: a map of two latent values, the way between two digits, new digits, and how probable a row is. */
import { CompressionVAE, type CompressionVAEOptions } from 'parametric-umap';
import { interpolate, interpolationSvg, scatterSvg } from 'parametric-umap/node';
import { loadDigits, placeOf } from './digits.js';
import { isProgram, write } from './output.js';

export async function main(digits = loadDigits(), options: Partial<CompressionVAEOptions> = {}) {
  const { train, trainLabels, test } = await digits;
  const vae = new CompressionVAE({ dimLatent: 2, numSteps: 6000, ...options });
  const map = await vae.fitTransform(train);
  const picture = scatterSvg(map, { labels: trainLabels, title: 'Digits, as two latent values' });
  const drawn = await vae.sample(12);
  const [from, to] = [placeOf(map, trainLabels, 0), placeOf(map, trainLabels, 1)];
  const way = await vae.inverseTransform(interpolate(from, to, 12));
  const strip = interpolationSvg(way, { clip: [0, 1], from: 'a 0', to: 'a 1' });
  // Held-out digits, and the same pixels in another order: the model knows that these are no digits.
  const shuffled = {
    data: test.data.map((_, i) => test.data[i - (i % 64) + ((i * 37) % 64)]!),
    shape: test.shape,
  };
  const [known, strange] = [await vae.logLikelihood(test), await vae.logLikelihood(shuffled)];
  vae.dispose();
  return { map, picture, drawn, strip, known: mean(known), strange: mean(strange) };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

if (isProgram(import.meta.url)) {
  const { picture, strip, known, strange } = await main();
  console.log(
    `held-out digits: ${known.toFixed(1)} nats each; with their pixels shuffled: ${strange.toFixed(1)}`,
  );
  console.log(`drawn in ${await write('vae.svg', picture)} and ${await write('fromZeroToOne.svg', strip)}`);
}
