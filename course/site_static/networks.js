// Keras networks in plain JavaScript: one step for each layer, exported by course/figures.py. Runtimes would be faster,
// but ONNX's loads 14 MB, more than the networks here, and TensorFlow's 0.9 MB of which a page from a folder may not fetch all.
"use strict";
(() => {
  const { bytes, floats, halves } = courseFigures;

  // A value is {data, height, width, channels}, by rows, the channels of a pixel side by side.
  const like = ({ height, width, channels }, data) => ({ data, height, width, channels });
  const pixelwise = (value, change) => like(value, value.data.map(change));

  /** Keras's padding "same": how long the output is, and how many rows of nothing lie before the first. */
  function same(length, size, stride) {
    const out = Math.ceil(length / stride);
    return [out, Math.floor(Math.max(0, (out - 1) * stride + size - length) / 2)];
  }

  /** Call `visit` for each place of a window that lies inside the picture: output pixel, place in window, input pixel. */
  function slide({ height, width }, size, stride, start, visit, finish) {
    const [rows, top] = same(height, size, stride), [columns, left] = same(width, size, stride);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        start();
        for (let i = 0; i < size; i++) {
          const row = r * stride - top + i;
          if (row < 0 || row >= height) continue;
          for (let j = 0; j < size; j++) {
            const column = c * stride - left + j;
            if (column >= 0 && column < width) visit(i * size + j, row * width + column);
          }
        }
        finish(r * columns + c);
      }
    }
    return [rows, columns];
  }

  function convolution(input, { kernel, size, stride }) {
    const { data, channels } = input, units = kernel.length / (size * size * channels);
    const sums = new Float64Array(units);
    const output = new Float32Array(same(input.height, size, stride)[0] * same(input.width, size, stride)[0] * units);
    const [height, width] = slide(input, size, stride, () => sums.fill(0), (place, pixel) => {
      for (let k = 0; k < channels; k++) {
        const value = data[pixel * channels + k];
        if (value === 0) continue; // after ReLU many are
        const from = (place * channels + k) * units;
        for (let unit = 0; unit < units; unit++) sums[unit] += value * kernel[from + unit];
      }
    }, (pixel) => output.set(sums, pixel * units));
    return { data: output, height, width, channels: units };
  }

  function depthwise(input, { kernel, size, stride }) {
    const { data, channels } = input, sums = new Float64Array(channels);
    const output = new Float32Array(same(input.height, size, stride)[0] * same(input.width, size, stride)[0] * channels);
    const [height, width] = slide(input, size, stride, () => sums.fill(0), (place, pixel) => {
      for (let k = 0; k < channels; k++) sums[k] += data[pixel * channels + k] * kernel[place * channels + k];
    }, (pixel) => output.set(sums, pixel * channels));
    return { data: output, height, width, channels };
  }

  /** Of every window of size x size, and of each channel, the highest value. */
  function maxPooling({ data, height, width, channels }, { size }) {
    const [rows, columns] = [height, width].map((length) => Math.floor(length / size));
    const output = new Float32Array(rows * columns * channels).fill(-Infinity);
    for (let r = 0; r < rows * size; r++) {
      for (let c = 0; c < columns * size; c++) {
        const to = (Math.floor(r / size) * columns + Math.floor(c / size)) * channels, from = (r * width + c) * channels;
        for (let k = 0; k < channels; k++) output[to + k] = Math.max(output[to + k], data[from + k]);
      }
    }
    return { data: output, height: rows, width: columns, channels };
  }

  /** One number for each channel, made of all its pixels. */
  function global({ data, height, width, channels }, first, join, finish = (value) => value) {
    const output = new Float64Array(channels).fill(first);
    for (let i = 0; i < data.length; i++) output[i % channels] = join(output[i % channels], data[i]);
    return { data: output.map((value) => finish(value, height * width)), height: 1, width: 1, channels };
  }

  function softmax(value) {
    const highest = value.data.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = Float64Array.from(value.data, (logit) => Math.exp(logit - highest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return like(value, powers.map((power) => power / total));
  }

  function dense({ data }, { kernel, bias, softmax: withSoftmax }) {
    const sums = Float64Array.from(bias), units = bias.length;
    for (let i = 0; i < data.length; i++) {
      for (let unit = 0; unit < units; unit++) sums[unit] += data[i] * kernel[i * units + unit];
    }
    const output = { data: sums, height: 1, width: 1, channels: units };
    return withSoftmax ? softmax(output) : output;
  }

  const STEPS = {
    Rescaling: (input, { scale, offset }) => pixelwise(input, (value) => value * scale + offset),
    Conv2D: convolution,
    DepthwiseConv2D: depthwise,
    BatchNormalization: (input, { scale, shift }) =>
      pixelwise(input, (value, i) => value * scale[i % scale.length] + shift[i % scale.length]),
    ReLU: (input, { highest }) => pixelwise(input, (value) => Math.min(highest ?? Infinity, Math.max(0, value))),
    MaxPooling2D: maxPooling,
    GlobalMaxPooling2D: (input) => global(input, -Infinity, Math.max),
    GlobalAveragePooling2D: (input) => global(input, 0, (sum, value) => sum + value, (sum, count) => sum / count),
    Add: (input, _, other) => pixelwise(input, (value, i) => value + other.data[i]),
    Dense: dense,
    Softmax: softmax,
  };

  const NUMBERS = { kernel: halves, bias: floats, scale: floats, shift: floats };

  /** A network's steps with numbers in the place of texts. */
  const unpack = (layers) => layers.map((layer) => Object.fromEntries(
    Object.entries(layer).map(([name, value]) => [name, typeof value === "string" && NUMBERS[name] ? NUMBERS[name](value) : value])));

  /** The probabilities for a square RGB picture of 0 to 255. Between steps the page may move. */
  async function predict(layers, pixels, side) {
    const values = [], last = layers.map(() => 0);
    layers.forEach(({ from }, n) => from.forEach((source) => { last[source] = n; }));
    const picture = { data: Float32Array.from(pixels), height: side, width: side, channels: 3 };
    let paused = performance.now();
    for (const [n, layer] of layers.entries()) {
      const [input, other] = layer.from.map((source) => (source < 0 ? picture : values[source]));
      values[n] = STEPS[layer.kind](input, layer, other);
      for (const source of layer.from) if (last[source] === n) values[source] = undefined; // its memory is free again
      if (performance.now() - paused > 30) {
        await new Promise((resolve) => setTimeout(resolve));
        paused = performance.now();
      }
    }
    return Array.from(values.at(-1).data);
  }

  Object.assign(courseFigures, { networks: { unpack, predict } });
})();
