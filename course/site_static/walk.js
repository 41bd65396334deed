// Lesson 2: a walk over a loss of two weights, seen from above, from a start that the reader chooses.
"use strict";
(() => {
  const { make, draw, slider, select, labelled, legend, axes, between, steer, register, BLUE, RED, GREY } = courseFigures;
  const LEVELS = 16, HIGHEST = 3.6; // of the lines on the map, from the lowest loss
  const RECENT = 10; // steps that say how a walk ends
  const FLAT = 0.05, SHORT = 0.015; // a slope and a step that are next to nothing

  // ---- mathematics: the tests compare it with utils.landscapes ----

  const SURFACES = {
    "two hollows": {
      loss: ([w1, w2]) => (w1 ** 2 - 1) ** 2 / 4 + 0.15 * w1 + 2 * w2 ** 2,
      gradient: ([w1, w2]) => [w1 ** 3 - w1 + 0.15, 4 * w2],
    },
    bowl: {
      loss: ([w1, w2]) => w1 ** 2 / 4 + 2 * w2 ** 2,
      gradient: ([w1, w2]) => [0.5 * w1, 4 * w2],
    },
  };

  const isBeyond = (weights, far) => Math.max(...weights.map(Math.abs)) >= far;

  /** The weights after 0, 1, … steps of gradient descent; fewer if they go beyond `far`. */
  function descent({ gradient }, { start, learningRate, momentum, steps, far }) {
    const path = [start];
    let velocity = [0, 0];
    while (path.length <= steps && !isBeyond(path.at(-1), far)) {
      const slope = gradient(path.at(-1));
      velocity = velocity.map((value, k) => momentum * value - learningRate * slope[k]);
      path.push(path.at(-1).map((value, k) => value + velocity[k]));
    }
    return path;
  }

  /** What a path comes to, by its last steps. */
  function outcome({ loss, gradient }, path, far) {
    if (path.length === 1) return "has not begun";
    if (isBeyond(path.at(-1), far) || loss(path.at(-1)) > loss(path[0])) return "diverges";
    const last = path.slice(-RECENT);
    if (last.every((weights) => Math.hypot(...gradient(weights)) < FLAT)) return "converges";
    const moves = path.slice(1).map((weights, i) => weights.map((value, k) => value - path[i][k])).slice(-RECENT);
    const turns = moves.slice(1).some((move, i) => move.some((part, k) => part * moves[i][k] < 0));
    if (turns) return "oscillates";
    return moves.every((move) => Math.hypot(...move) < SHORT) ? "crawls" : "is still under way";
  }

  /** Where a loss has a level, as pieces of lines in the cells of a grid. */
  function levelLine(heights, xs, ys, level) {
    const pieces = [];
    for (let r = 1; r < ys.length; r++) {
      for (let c = 1; c < xs.length; c++) {
        const corners = [[r - 1, c - 1], [r - 1, c], [r, c], [r, c - 1]];
        const above = corners.map(([i, j]) => heights[i][j] - level);
        const cuts = [0, 1, 2, 3].filter((k) => above[k] < 0 !== above[(k + 1) % 4] < 0).map((k) => {
          const [[i, j], [m, n]] = [corners[k], corners[(k + 1) % 4]], share = above[k] / (above[k] - above[(k + 1) % 4]);
          return [xs[j] + share * (xs[n] - xs[j]), ys[i] + share * (ys[m] - ys[i])];
        });
        for (let k = 0; k < cuts.length; k += 2) pieces.push([cuts[k], cuts[k + 1]]);
      }
    }
    return pieces;
  }

  // ---- the figure ----

  const spread = (low, size, count) => Array.from({ length: count + 1 }, (_, i) => low + (size * i) / count);

  /** The lines of a map, closer together in the hollows. */
  function levelLines({ loss }, { low, size }) {
    const [xs, ys] = [spread(low[0], size[0], 78), spread(low[1], size[1], 44)];
    const heights = ys.map((w2) => xs.map((w1) => loss([w1, w2])));
    const lowest = Math.min(...heights.flat());
    return spread(0.02, 0.98, LEVELS - 1).flatMap((share) => levelLine(heights, xs, ys, lowest + HIGHEST * share ** 2));
  }

  const square = (x, y, r) => `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
  const star = (x, y, r) => "M" + Array.from({ length: 10 }, (_, i) => {
    const [angle, length] = [(Math.PI * i) / 5, i % 2 ? 0.4 * r : r];
    return `${x + length * Math.sin(angle)},${y - length * Math.cos(angle)}`;
  }).join("L") + "z";

  function map({ low, size }) {
    const [xRange, yRange] = [0, 1].map((k) => [low[k], low[k] + size[k]]);
    const { svg, inside, x, y, at } = axes([360, 260], xRange, yRange, ["weight w₁", "weight w₂"], "");
    const lines = draw("path", { stroke: GREY, fill: "none", "stroke-width": 0.7 });
    const way = draw("path", { stroke: BLUE, fill: "none", "stroke-width": 1.5 });
    const steps = draw("path", { stroke: BLUE, "stroke-width": 5, "stroke-linecap": "round" });
    const [from, to] = [draw("path", { fill: "currentColor" }), draw("path", { fill: RED })];
    inside.append(lines, way, steps, from, to);
    const places = (points) => points.map(([w1, w2]) => `${x(w1).toFixed(1)},${y(w2).toFixed(1)}`);
    function redraw(path) {
      const found = places(path);
      way.setAttribute("d", `M${found.join("L")}`);
      steps.setAttribute("d", found.map((place) => `M${place}h0`).join("")); // a line of no length has round ends
      for (const [mark, shape, [w1, w2]] of [[from, square, path[0]], [to, star, path.at(-1)]]) {
        mark.setAttribute("d", shape(x(w1), y(w2), shape === star ? 9 : 5));
      }
    }
    const ground = (pieces) => lines.setAttribute("d", pieces.map((piece) => `M${places(piece).join("L")}`).join(""));
    return { svg, at, redraw, ground };
  }

  function curve(losses) {
    const last = Math.max(losses.length - 1, 1);
    const { svg, inside, path } = axes([360, 260], [0, last], [-0.3, 4], ["step", "loss"], "the loss over the steps");
    const d = path(losses.map((loss, step) => [step, loss]));
    inside.append(draw("path", { d, stroke: BLUE, fill: "none", "stroke-width": 2 }));
    return svg;
  }

  function walk(el, { start, low, size, far }) {
    const values = { start, learningRate: 0.02, momentum: 0, steps: 60, far };
    const says = make("p", { role: "status" });
    const choice = select("surface", Object.keys(SURFACES));
    const above = map({ low, size });
    let beside = curve([0]);
    const point = (weights) => `(${weights.map((value) => value.toFixed(2).replace("-", "−")).join(", ")})`;
    function redraw() {
      const surface = SURFACES[choice.value], path = descent(surface, values), losses = path.map(surface.loss);
      above.redraw(path);
      const drawn = curve(losses);
      beside.replaceWith(drawn);
      beside = drawn;
      says.textContent = `From ${point(path[0])} in ${path.length - 1} steps to ${point(path.at(-1))}, loss `
        + `${losses.at(-1).toFixed(3).replace("-", "−")}: it ${outcome(surface, path, far)}.`;
    }
    function change() {
      above.ground(levelLines(SURFACES[choice.value], { low, size }));
      const way = "a click or arrow keys choose the start";
      above.svg.setAttribute("aria-label", `map of the loss “${choice.value}” with the walk: ${way}`);
      redraw();
    }
    const put = (weights) => {
      values.start = weights.map((value, k) => between(low[k], low[k] + size[k], value));
      redraw();
    };
    steer(above.svg, (event) => event.buttons && put(above.at(event)),
      ([right, down]) => put([values.start[0] + 0.05 * right, values.start[1] - 0.05 * down]));
    above.svg.style.touchAction = "none";
    choice.addEventListener("change", change);
    const ranges = { "learning rate": [0.005, 0.6, 0.005], momentum: [0, 0.98, 0.01], steps: [0, 300, 1] };
    const names = { "learning rate": "learningRate" };
    const mark = (shape, fill) => draw("path", { d: shape(6, 6, 5), fill });
    el.append(
      labelled("surface", choice),
      ...Object.entries(ranges).map(([label, range]) => {
        const name = names[label] ?? label;
        return slider(label, range, values[name], (value) => { values[name] = value; redraw(); });
      }),
      says, legend([mark(square, "currentColor"), "start"], [mark(star, RED), "end"]),
      make("div", { class: "figure-row" }, above.svg, beside));
    change();
  }

  register("walk", walk);
  Object.assign(courseFigures, { walk: { SURFACES, descent, outcome, levelLine } });
})();
