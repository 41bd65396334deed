// Figures of the website that answer in the reader's browser: no kernel, and nothing leaves the machine.
// Classic scripts and no modules, since a page that is opened from a folder may not import any. The data of a figure,
// courseData[name], come from a script of their own, which the build writes. The simple figures stand here, each of the
// larger ones in a script that is loaded after this one and calls courseFigures.register.
"use strict";
(() => {
  const HERE = document.currentScript.src;
  const SVG = "http://www.w3.org/2000/svg";
  const BLUE = "#0072b2", SKY = "#56b4e9", RED = "#d55e00", GREY = "#8c8c8c"; // readable by the colour-blind

  // ---- mathematics, free of the page: the tests compare it with NumPy, OpenCV and Keras ----

  /** Numbers of a base64 text: bytes, 16-bit integers, 32-bit floats, or 16-bit floats. */
  function bytes(text) {
    const signs = atob(text), values = new Uint8Array(signs.length);
    for (let i = 0; i < values.length; i++) values[i] = signs.charCodeAt(i); // a callback for each of millions is slow
    return values;
  }
  const shorts = (text) => new Uint16Array(bytes(text).buffer);
  const floats = (text) => new Float32Array(bytes(text).buffer);
  async function unpacked(text) { // bytes that are compressed
    const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  let sizes; // of all 16-bit floats, made when first needed
  function halves(text) {
    sizes ??= Float32Array.from({ length: 1 << 16 }, (_, half) => {
      const exponent = (half >> 10) & 31, fraction = half & 1023;
      const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
      return half >> 15 ? -size : size;
    });
    return Float32Array.from(shorts(text)).map((half) => sizes[half]);
  }

  /** Layers of {kernel (inputs x units, by rows), bias}: ReLU between them, softmax at the end. */
  function forward(layers, input) {
    let values = input;
    layers.forEach(({ kernel, bias }, layer) => {
      const sums = Float64Array.from(bias);
      for (let i = 0; i < values.length; i++) {
        if (values[i] === 0) continue;
        for (let unit = 0; unit < bias.length; unit++) sums[unit] += values[i] * kernel[i * bias.length + unit];
      }
      values = layer < layers.length - 1 ? sums.map((sum) => Math.max(0, sum)) : sums;
    });
    const highest = Math.max(...values);
    const powers = Array.from(values, (logit) => Math.exp(logit - highest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  }

  /** Which old places, and how much of each, make a new one along a side: areas where it shrinks, else neighbours. */
  function shares(from, to) {
    const step = from / to;
    return Array.from({ length: to }, (_, place) => {
      if (step < 1) {
        const middle = Math.min(from - 1, Math.max(0, (place + 0.5) * step - 0.5)), low = Math.floor(middle);
        return [[low, 1 - (middle - low)], [Math.min(from - 1, low + 1), middle - low]];
      }
      const first = Math.floor(place * step), last = Math.min(from, Math.ceil((place + 1) * step));
      return Array.from({ length: last - first }, (_, i) => [
        first + i, (Math.min(first + i + 1, (place + 1) * step) - Math.max(first + i, place * step)) / step]);
    });
  }

  /** A picture, height x width x channels, resized: means where it becomes smaller, linear where it becomes larger. */
  function resize(picture, height, width, newHeight, newWidth, channels = 1) {
    const across = new Float64Array(height * newWidth * channels);
    shares(width, newWidth).forEach((parts, c) => {
      for (const [old, share] of parts) {
        for (let r = 0; r < height; r++) {
          const to = (r * newWidth + c) * channels, from = (r * width + old) * channels;
          for (let k = 0; k < channels; k++) across[to + k] += share * picture[from + k];
        }
      }
    });
    const row = newWidth * channels, result = new Float64Array(newHeight * row);
    shares(height, newHeight).forEach((parts, r) => {
      for (const [old, share] of parts) {
        for (let i = 0; i < row; i++) result[r * row + i] += share * across[old * row + i];
      }
    });
    return result.map(Math.round);
  }

  /** A drawing of 28 x 28 as MNIST's makers prepared theirs: 20 pixels long, its centre of mass in the middle. */
  function centre(drawing) {
    const SIDE = 28, INK = 20;
    const places = [...drawing.keys()].filter((i) => drawing[i]);
    if (!places.length) return drawing;
    const rows = places.map((i) => Math.floor(i / SIDE)), columns = places.map((i) => i % SIDE);
    const [top, left] = [Math.min(...rows), Math.min(...columns)];
    const [height, width] = [Math.max(...rows) - top + 1, Math.max(...columns) - left + 1];
    const ink = new Float64Array(height * width);
    for (let i = 0; i < ink.length; i++) ink[i] = drawing[(top + Math.floor(i / width)) * SIDE + left + (i % width)];
    const scale = INK / Math.max(height, width);
    const [newHeight, newWidth] = [height, width].map((length) => Math.max(1, Math.round(scale * length)));
    const small = resize(ink, height, width, newHeight, newWidth);
    let mass = 0, down = 0, across = 0;
    small.forEach((value, i) => {
      mass += value;
      down += value * Math.floor(i / newWidth);
      across += value * (i % newWidth);
    });
    const place = (middle, length) => Math.min(SIDE - length, Math.max(0, Math.round(SIDE / 2 - middle)));
    const [newTop, newLeft] = [place(down / mass, newHeight), place(across / mass, newWidth)];
    const picture = new Float64Array(SIDE * SIDE);
    small.forEach((value, i) => {
      picture[(newTop + Math.floor(i / newWidth)) * SIDE + newLeft + (i % newWidth)] = value;
    });
    return picture;
  }

  /** What a 3 x 3 kernel makes of a grey picture, without its border: (height - 2) x (width - 2). */
  function convolve(picture, height, width, kernel) {
    const output = new Float32Array((height - 2) * (width - 2));
    for (let r = 0; r < height - 2; r++) {
      for (let c = 0; c < width - 2; c++) {
        let sum = 0;
        for (let k = 0; k < 9; k++) sum += kernel[k] * picture[(r + Math.floor(k / 3)) * width + c + (k % 3)];
        output[r * (width - 2) + c] = sum;
      }
    }
    return output;
  }

  /** Of [[name, share], …] those with the largest shares, the largest first. */
  const best = (shares, count) => [...shares].sort(([, a], [, b]) => b - a).slice(0, count);

  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const squaredError = (x, y, weight, bias) => mean(x.map((value, i) => (weight * value + bias - y[i]) ** 2));

  /** What gradient descent does if each step multiplies the distance to the optimum by `factor`. */
  function verdict(factor) {
    if (Math.abs(Math.abs(factor) - 1) < 1e-6) return factor < 0 ? "oscillates" : "stands still";
    if (Math.abs(factor) > 1) return "diverges";
    return factor > 0.9 ? "crawls" : "converges";
  }

  // ---- parts of a figure ----

  function make(tag, attributes = {}, ...children) {
    const element = attributes.svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (name !== "svg") element.setAttribute(name, value);
    element.append(...children);
    return element;
  }
  const draw = (tag, attributes, ...children) => make(tag, { svg: true, ...attributes }, ...children);

  /** A labelled slider that shows its value; `change` is called with it. */
  function slider(label, [low, high, step], value, change) {
    const input = make("input", { type: "range", min: low, max: high, step, value, "aria-label": label });
    const shown = make("output", {}, String(value));
    input.addEventListener("input", () => {
      shown.textContent = input.value;
      change(Number(input.value));
    });
    return make("label", { class: "figure-slider" }, make("span", {}, label), input, shown);
  }

  /** A choice of options, each a word or [value, words]. */
  const select = (label, options) => make("select", { "aria-label": label }, ...options.map((option) => {
    const [value, words] = [option].flat();
    return make("option", { value }, words ?? value);
  }));

  const labelled = (words, input) => make("label", {}, `${words} `, input);

  /** What a figure's shapes stand for: [an element of a drawing of 12 x 12, its words], … */
  const legend = (...entries) => make("p", { class: "figure-legend" }, ...entries.map(([shape, words]) =>
    make("span", {}, draw("svg", { viewBox: "0 0 12 12", "aria-hidden": true }, shape), ` ${words}`)));

  /** Two to six round numbers between two others. */
  function ticks([low, high]) {
    const power = 10 ** Math.floor(Math.log10((high - low) / 4));
    const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power > 0.99 * ((high - low) / 4));
    const first = Math.ceil(low / step - 0.01), last = Math.floor(high / step + 0.01);
    return Array.from({ length: last - first + 1 }, (_, i) => step * (first + i));
  }

  /** Axes for curves, in the page's colours; x and y turn data into places, and `at` the place of a pointer into data. */
  function axes([width, height], xRange, yRange, [xLabel, yLabel], alt) {
    const [left, right, top, bottom] = [56, 8, 8, 40];
    const x = (value) => left + ((value - xRange[0]) / (xRange[1] - xRange[0])) * (width - left - right);
    const y = (value) => height - bottom - ((value - yRange[0]) / (yRange[1] - yRange[0])) * (height - top - bottom);
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": alt, class: "figure-plot" });
    svg.append(
      draw("path", { d: `M${left},${top}V${height - bottom}H${width - right}`, stroke: "currentColor", fill: "none" }),
      draw("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xLabel),
      draw("text", { transform: `translate(12,${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yLabel),
      ...ticks(xRange).map((v) => draw("text", { x: x(v), y: height - bottom + 14, "text-anchor": "middle" }, String(+v.toFixed(2)))),
      ...ticks(yRange).map((v) => draw("text", { x: left - 4, y: y(v) + 4, "text-anchor": "end" }, String(+v.toFixed(2)))),
    );
    const clamp = (value, [low, high]) => Math.min(high + (high - low), Math.max(low - (high - low), value));
    const path = (points) => "M" + points.map(([a, b]) => `${x(a).toFixed(1)},${y(clamp(b, yRange)).toFixed(1)}`).join("L");
    const inside = draw("svg", { x: left, y: top, width: width - left - right, height: height - top - bottom, viewBox: `${left} ${top} ${width - left - right} ${height - top - bottom}` });
    svg.append(inside);
    function at(event) {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const back = (place, to, [low, high]) => low + ((place - to(low)) / (to(high) - to(low))) * (high - low);
      return [back(point.x, x, xRange), back(point.y, y, yRange)];
    }
    return { svg, inside, x, y, path, at };
  }

  const between = (low, high, value) => Math.min(high, Math.max(low, value));

  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /** Let a pointer lead an element's figure, `follow(event)`, and the arrow keys, `nudge([right, down])`, 5 with Shift. */
  function steer(el, follow, nudge) {
    el.setAttribute("tabindex", 0);
    el.addEventListener("pointerdown", (event) => { el.setPointerCapture(event.pointerId); follow(event); });
    el.addEventListener("pointermove", follow);
    el.addEventListener("keydown", (event) => {
      if (!WAYS[event.key]) return;
      event.preventDefault();
      nudge(WAYS[event.key].map((part) => (event.shiftKey ? 5 : 1) * part));
    });
  }

  /** The place of a pointer on a canvas, in the canvas's pixels and not beyond it. */
  function pointed(canvas, event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [between(0, canvas.width, x * canvas.width), between(0, canvas.height, y * canvas.height)];
  }

  /** A canvas of this size; `colour` gives red, green and blue of each pixel, or nothing where it stays clear. */
  function paint(canvas, height, width, colour) {
    [canvas.height, canvas.width] = [height, width];
    const image = new ImageData(width, height);
    for (let i = 0; i < height * width; i++) {
      const rgb = colour(i);
      if (!rgb) continue;
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = rgb[k];
      image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
  const tone = (value) => [value, value, value];

  /** A circle on a canvas that is seen on dark and on light. */
  function ring(pen, [x, y], radius) {
    for (const [strokeStyle, lineWidth] of [["black", 3], ["white", 1.5]]) {
      Object.assign(pen, { strokeStyle, lineWidth });
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  async function loaded(address) {
    const image = Object.assign(new Image(), { src: address });
    await image.decode();
    return image;
  }

  /** A line for each [name, share] with a bar; the largest is darker. */
  function bars(shares, digits = 2) {
    const largest = Math.max(...shares.map(([, share]) => share));
    return shares.map(([name, share]) => {
      const colour = share === largest ? BLUE : SKY;
      const bar = make("span", { class: "figure-bar", style: `width: ${7 * share}rem; background: ${colour}` });
      return make("div", {}, make("span", {}, name), bar, make("span", {}, share.toFixed(digits)));
    });
  }

  // ---- the figures ----

  /** Lesson 2: gradient descent on a parabola. */
  function rate(el) {
    let curvature = 1, learningRate = 0.1;
    const says = make("p", { role: "status" });
    const left = axes([360, 260], [-3, 3], [0, 4], ["weight", "loss"], "the parabola with the path of gradient descent");
    const right = axes([360, 260], [0, 20], [0, 4], ["step", "loss"], "the loss over the steps");
    const [bowl, way, curve] = [SKY, RED, RED].map((stroke) => draw("path", { stroke, fill: "none", "stroke-width": 2 }));
    left.inside.append(bowl, way);
    right.inside.append(curve);
    function redraw() {
      const factor = 1 - 2 * curvature * learningRate, loss = (w) => curvature * w * w;
      const path = Array.from({ length: 21 }, (_, step) => factor ** step);
      bowl.setAttribute("d", left.path(Array.from({ length: 61 }, (_, i) => [-3 + i / 10, loss(-3 + i / 10)])));
      way.setAttribute("d", left.path(path.map((w) => [w, loss(w)])));
      curve.setAttribute("d", right.path(path.map((w, step) => [step, loss(w)])));
      says.textContent = `Each step multiplies the weight by ${factor.toFixed(2)}: it ${verdict(factor)}. After 20 steps the weight is ${path[20].toPrecision(3)}.`;
    }
    el.append(
      slider("curvature", [0.1, 4, 0.1], curvature, (value) => { curvature = value; redraw(); }),
      slider("learning rate", [0.05, 12, 0.05], learningRate, (value) => { learningRate = value; redraw(); }),
      says,
      make("div", { class: "figure-row" }, left.svg, right.svg),
    );
    redraw();
  }

  /** Lesson 3: a line over the cloud, and its mean squared error. */
  function line(el, { x, y }) {
    let weight = 0, place = [mean(x), mean(y)];
    const says = make("p", { role: "status" });
    const { svg, inside, ...to } = axes([420, 280], [3, 9], [0, 60], ["rooms per home", "price, $1000"], "the tracts and your line");
    const own = draw("path", { stroke: RED, "stroke-width": 2.5 }), dot = draw("circle", { r: 6, fill: "currentColor" });
    inside.append(...x.map((value, i) => draw("circle", { cx: to.x(value), cy: to.y(y[i]), r: 2.5, fill: GREY, opacity: 0.6 })), own, dot);
    const always = mean(y), baseline = mean(y.map((value) => (value - always) ** 2));
    function redraw() {
      const bias = place[1] - weight * place[0];
      own.setAttribute("d", to.path([3, 9].map((rooms) => [rooms, weight * rooms + bias])));
      dot.setAttribute("cx", to.x(place[0]));
      dot.setAttribute("cy", to.y(place[1]));
      const sign = bias < 0 ? "−" : "+";
      says.textContent = `price = ${weight.toFixed(1)} · rooms ${sign} ${Math.abs(bias).toFixed(1)}: mean squared error ${squaredError(x, y, weight, bias).toFixed(1)}; always saying the mean has ${baseline.toFixed(1)}.`;
    }
    const put = ([rooms, price]) => {
      place = [between(3, 9, rooms), between(0, 60, price)];
      redraw();
    };
    steer(svg, (event) => event.buttons && put(to.at(event)), ([right, down]) => put([place[0] + 0.1 * right, place[1] - down]));
    svg.style.touchAction = "none";
    el.append(slider("weight", [-5, 20, 0.1], weight, (value) => { weight = value; redraw(); }), says, svg);
    redraw();
  }

  const PRESETS = {
    "Sobel: left minus right": [1, 0, -1, 2, 0, -2, 1, 0, -1],
    "Sobel: top minus bottom": [1, 2, 1, 0, 0, 0, -1, -2, -1],
    "blur: the mean of nine": Array(9).fill(0.111),
    sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
    "all edges (Laplace)": [0, 1, 0, 1, -4, 1, 0, 1, 0],
    "nothing: the pixel itself": [0, 0, 0, 0, 1, 0, 0, 0, 0],
  };

  /** Lesson 5: a kernel with nine fields, on a photograph or on the reader's own picture. */
  function kernel(el, data) {
    let [grey, height, width] = [bytes(data.grey), data.height, data.width];
    const [before, after] = ["the picture in grey", "what the kernel makes of it"].map((label) =>
      make("canvas", { role: "img", "aria-label": label, class: "figure-picture" }));
    const says = make("p", { role: "status" });
    const fields = Array.from({ length: 9 }, (_, k) =>
      make("input", { type: "number", step: "any", "aria-label": `row ${Math.floor(k / 3)}, column ${k % 3}` }));
    const choice = select("preset", Object.keys(PRESETS));
    const file = make("input", { type: "file", accept: "image/*", "aria-label": "your own picture" });
    function redraw() {
      const numbers = fields.map((field) => Number(field.value) || 0);
      const output = convolve(grey, height, width, numbers);
      const total = numbers.reduce((sum, number) => sum + number, 0);
      let [low, high, words] = [0, 255, "black is 0, white is 255"];
      if (Math.abs(total) < 0.01) {
        const middle = mean(output), spread = 2 * Math.sqrt(mean(output.map((value) => (value - middle) ** 2))) || 1;
        [low, high, words] = [-spread, spread, "middle grey is 0"];
      }
      paint(before, height, width, (i) => tone(grey[i]));
      paint(after, height - 2, width - 2, (i) => tone((255 * (output[i] - low)) / (high - low)));
      says.textContent = `The nine numbers add up to ${+total.toFixed(2)}; in the output ${words}.`;
    }
    const fill = () => {
      PRESETS[choice.value].forEach((number, k) => { fields[k].value = number; });
      redraw();
    };
    choice.addEventListener("change", fill);
    fields.forEach((field) => field.addEventListener("input", redraw));
    file.addEventListener("change", async () => {
      if (!file.files.length) return;
      let picture;
      try { picture = await createImageBitmap(file.files[0]); } catch {
        says.textContent = "This file is not a picture that the browser can read.";
        return;
      }
      const scale = Math.min(1, 320 / Math.max(picture.width, picture.height));
      [width, height] = [picture.width, picture.height].map((side) => Math.max(3, Math.round(scale * side)));
      const canvas = Object.assign(document.createElement("canvas"), { width, height }), pen = canvas.getContext("2d");
      pen.drawImage(picture, 0, 0, width, height);
      const { data: pixels } = pen.getImageData(0, 0, width, height);
      grey = Uint8Array.from({ length: width * height }, (_, i) =>
        Math.round(0.299 * pixels[4 * i] + 0.587 * pixels[4 * i + 1] + 0.114 * pixels[4 * i + 2]));
      redraw();
    });
    el.append(
      make("div", { class: "figure-row" }, choice, labelled("your own picture", file)),
      make("div", { class: "figure-kernel" }, ...fields), says, make("div", { class: "figure-row" }, before, after));
    fill();
  }

  /** Lessons 1 and 4: a pad, and a trained network that reads it. */
  function digit(el, data) {
    const layers = data.layers.map(({ kernel: k, bias }) => ({ kernel: halves(k), bias: halves(bias) }));
    const stored = data.stored.map(bytes);
    const seen = make("canvas", { role: "img", "aria-label": "what the network sees", class: "figure-picture figure-digit" });
    const says = make("p", { role: "status" });
    const lines = make("div", { class: "figure-bars" });
    const choice = select("stored digit", [...stored.keys()]);
    choice.value = "7";
    let pad = new Uint8Array(28 * 28);
    function redraw() {
      const picture = pad.some(Boolean) ? centre(pad) : stored[Number(choice.value)];
      const answer = forward(layers, Float64Array.from(picture, (value) => value / 255));
      const best = answer.indexOf(Math.max(...answer));
      paint(seen, 28, 28, (i) => tone(picture[i]));
      lines.replaceChildren(...bars([...answer.entries()]));
      says.textContent = `Answer: ${best}, confidence ${answer[best] > 0.99 ? "over 99" : Math.round(100 * answer[best])} %`;
    }
    choice.addEventListener("change", redraw);
    // The notebooks' pad, with a page in the place of a kernel.
    const box = make("div");
    const value = { value: new DataView(pad.buffer) };
    window.coursePad.render({
      el: box,
      model: {
        get: (name) => value[name],
        set: (name, view) => { pad = new Uint8Array(view.buffer); },
        save_changes: redraw,
      },
    });
    el.append(
      make("div", { class: "figure-row" }, box, seen, lines),
      labelled("while the pad is empty: stored digit", choice), says);
    redraw();
  }

  const figures = { rate, line, kernel, digit };
  const register = (name, figure) => { figures[name] = figure; };

  /** The data of a figure, from their script, which is fetched when it is first asked for. */
  const asked = {};
  function need(name) {
    asked[name] ??= new Promise((resolve, reject) => {
      if (window.courseData?.[name]) return resolve(window.courseData[name]);
      const script = make("script", { src: new URL(`figure-${name}.js`, HERE) });
      script.addEventListener("load", () => resolve(window.courseData[name]));
      script.addEventListener("error", () => {
        delete asked[name]; // the reader may ask again
        reject(new Error(`The data of this figure (${name}) could not be loaded.`));
      });
      document.head.append(script);
    });
    return asked[name];
  }

  /** Called once, when the reader comes near an element. */
  const whenNear = (el) => new Promise((resolve) => {
    const watcher = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      resolve();
    }, { rootMargin: "600px" });
    watcher.observe(el);
  });

  async function show(el) {
    await figures[el.dataset.figure](el, window.courseData?.[el.dataset.figure]);
    // The figure with its first values, for readers without JavaScript and for paper.
    if ("replaces" in el.dataset) el.previousElementSibling?.querySelector(".cell_output")?.classList.add("replaced");
  }

  const mathematics = { forward, centre, resize, best, convolve, squaredError, verdict, halves, bytes, shorts, floats, unpacked };
  const parts = { make, draw, slider, select, labelled, legend, axes, bars, between, steer, pointed, paint, tone, ring, loaded };
  const page = { need, whenNear, register, BLUE, RED, GREY };
  window.courseFigures = { ...mathematics, ...parts, ...page };
  addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-figure]").forEach(show));
})();
