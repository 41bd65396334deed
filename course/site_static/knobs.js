// Lesson 1: a neuron with two features, turned by hand. Beside its map, what all the pictures get.
"use strict";
(() => {
  const { make, draw, slider, legend, axes, shorts, register, BLUE, RED } = courseFigures;
  const SIDES_LIMIT = 0.6, MOST = 8000; // of the axes
  const SHOWN = 300; // pictures that are drawn as points
  const BANDS = 13;
  const SHADES = [[169, 207, 233], [255, 255, 255], [243, 195, 160]]; // tints of blue and red, white between them

  // ---- mathematics: the tests compare it with NumPy ----

  const score = ([middleWeight, sidesWeight, bias], middle, sides) => middleWeight * middle + sidesWeight * sides + bias;

  /** What the neuron makes of all pictures: the share of right answers, their mean confidence, and ten bins per digit. */
  function answers({ middle, sides, isOne }, knobs) {
    const bins = [new Array(10).fill(0), new Array(10).fill(0)];
    let right = 0, confidence = 0;
    for (let i = 0; i < middle.length; i++) {
      const probability = 1 / (1 + Math.exp(-score(knobs, middle[i], sides[i])));
      right += probability > 0.5 === Boolean(isOne[i]);
      confidence += Math.max(probability, 1 - probability);
      bins[isOne[i]][Math.min(9, Math.floor(10 * probability))] += 1;
    }
    return { right: right / middle.length, confidence: confidence / middle.length, bins };
  }

  /** The features from their sums over pixels; divided as NumPy does it, no answer differs. */
  const features = (data) => ({
    middle: Float64Array.from(shorts(data.middle), (sum) => sum / 16 / 255),
    sides: Float64Array.from(shorts(data.sides), (sum) => sum / 336 / 255),
    isOne: courseFigures.bytes(data.isOne),
  });

  // ---- the figure ----

  /** The colour of a probability: blue at 0, white in the middle, red at 1. */
  function shade(probability) {
    const [from, to, share] = probability < 0.5 ? [0, 1, 2 * probability] : [1, 2, 2 * probability - 1];
    return `rgb(${SHADES[from].map((value, k) => Math.round(value + share * (SHADES[to][k] - value)))})`;
  }

  const dot = (cx, cy, r) => draw("circle", { cx, cy, r, fill: BLUE });
  const cross = (x, y, r) => draw("path", { d: `M${x - r},${y - r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`, stroke: RED, "stroke-width": r / 2 });

  /** Bands of equal probability are stripes at right angles to the way on which the score grows: a gradient has them. */
  function stripes() {
    const edges = Array.from({ length: BANDS - 1 }, (_, i) => Math.log((i + 1) / (BANDS - 1 - i))); // scores
    const highest = edges[BANDS - 2];
    const offset = (value) => (value + highest) / (2 * highest);
    const gradient = draw("linearGradient", { id: "knobs-stripes", gradientUnits: "userSpaceOnUse" });
    for (let band = 0; band < BANDS; band++) {
      const colour = shade((band + 0.5) / BANDS);
      for (const edge of [edges[band - 1], edges[band]]) {
        if (edge !== undefined) gradient.append(draw("stop", { offset: offset(edge), "stop-color": colour }));
      }
    }
    return { gradient, highest };
  }

  function map(data) {
    const alt = "map of zeros and ones with the decision line";
    const { svg, inside, ...to } = axes([380, 300], [0, 1], [0, SIDES_LIMIT], ["ink in the middle", "ink at the sides"], alt);
    const { gradient, highest } = stripes();
    const ground = draw("rect", { x: to.x(0), y: to.y(SIDES_LIMIT), width: to.x(1) - to.x(0), height: to.y(0) - to.y(SIDES_LIMIT) });
    const decision = draw("path", { stroke: "black", "stroke-width": 2 });
    const points = Array.from({ length: Math.min(SHOWN, data.middle.length) }, (_, i) => {
      const [x, y] = [to.x(data.middle[i]), to.y(data.sides[i])];
      return data.isOne[i] ? cross(x, y, 3) : dot(x, y, 3);
    });
    inside.append(gradient, ground, ...points, decision);
    function redraw(knobs) {
      const origin = score(knobs, 0, 0);
      // The score's slope per unit of the drawing, and from the drawing's left lower corner the way to a score.
      const slope = [knobs[0] / (to.x(1) - to.x(0)), knobs[1] / (to.y(1) - to.y(0))];
      const steepness = slope[0] ** 2 + slope[1] ** 2;
      if (!steepness) {
        ground.setAttribute("fill", shade((Math.floor(BANDS / (1 + Math.exp(-origin))) + 0.5) / BANDS));
        decision.removeAttribute("d");
        return;
      }
      const place = (value) => [to.x(0), to.y(0)].map((start, k) => start + ((value - origin) * slope[k]) / steepness);
      const [[x1, y1], [x2, y2], [x, y]] = [-highest, highest, 0].map(place);
      for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) gradient.setAttribute(name, value);
      ground.setAttribute("fill", "url(#knobs-stripes)");
      const [across, down] = [-slope[1], slope[0]].map((part) => (1000 * part) / Math.sqrt(steepness));
      decision.setAttribute("d", `M${x - across},${y - down}L${x + across},${y + down}`);
    }
    return { svg, redraw };
  }

  function histogram() {
    const alt = "how many zeros and ones get each probability";
    const { svg, inside, x, y } = axes([380, 300], [0, 1], [0, MOST], ["probability of a 1", "pictures"], alt);
    const bars = [BLUE, RED].map((fill) => Array.from({ length: 10 }, () => draw("rect", { fill })));
    const half = draw("path", { d: `M${x(0.5)},${y(0)}V${y(MOST)}`, stroke: "currentColor", "stroke-dasharray": "5 4" });
    inside.append(...bars.flat(), half);
    const width = 0.4 * (x(0.1) - x(0));
    function redraw(bins) {
      bars.forEach((row, digit) => row.forEach((bar, bin) => {
        bar.setAttribute("x", x(0.1 * bin + 0.01) + digit * width);
        bar.setAttribute("width", width);
        bar.setAttribute("y", y(bins[digit][bin]));
        bar.setAttribute("height", y(0) - y(bins[digit][bin]));
      }));
    }
    return { svg, redraw };
  }

  function knobs(el, stored) {
    const data = features(stored), values = [2, 0, -1];
    const says = make("p", { role: "status" });
    const left = map(data), right = histogram();
    function redraw() {
      const { right: share, confidence, bins } = answers(data, values);
      left.redraw(values);
      right.redraw(bins);
      const words = values.map((value) => String(value).replace("-", "−")).join(", ");
      says.textContent = `Knobs ${words}: ${(100 * share).toFixed(1)} % of ${data.middle.length.toLocaleString("en")} `
        + `pictures right, mean confidence ${confidence.toFixed(2)}.`;
    }
    const ranges = { "weight middle": [-40, 40, 1], "weight sides": [-40, 40, 1], bias: [-10, 10, 0.5] };
    el.append(
      ...Object.entries(ranges).map(([name, range], k) =>
        slider(name, range, values[k], (value) => { values[k] = value; redraw(); })),
      says, legend([dot(6, 6, 5), "digit 0"], [cross(6, 6, 5), "digit 1"]),
      make("div", { class: "figure-row" }, left.svg, right.svg));
    redraw();
  }

  register("knobs", knobs);
  Object.assign(courseFigures, { knobs: { answers, features } });
})();
