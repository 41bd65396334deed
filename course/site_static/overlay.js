// Lesson 9: a mask over a street photograph behind a divider, one class of it beside the true one, and the IoU; the mask
// is the network's or one that the reader paints.
"use strict";
(() => {
  const { make, draw, slider, select, labelled, legend, between, steer, pointed, paint, ring, loaded } = courseFigures;
  const { unpacked, need, whenNear, register } = courseFigures;
  const VOID = 30; // CamVid's id for what has no label
  const INKS = [[0, 114, 178], [230, 159, 0], [204, 121, 167]]; // in both, missed, invented; as in utils/segmentation.py
  const EMPTY = [237, 237, 237];

  // ---- mathematics: the tests compare it with NumPy ----

  /** Where a class is: 0 in both masks, 1 in the true one only, 2 in the other only, 3 in neither; and how often. */
  function regions(truth, mask, number) {
    const counts = [0, 0, 0, 0];
    const places = truth.map((id, i) => {
      const [t, p] = [id === number, id !== VOID && mask[i] === number];
      const place = t ? (p ? 0 : 1) : p ? 2 : 3;
      counts[place] += 1;
      return place;
    });
    const [both, missed, invented] = counts;
    return { places, both, missed, invented, union: both + missed + invented };
  }

  /** Give every pixel of a disc an id. */
  function dab(mask, height, width, [x, y], radius, id) {
    for (let r = Math.max(0, Math.ceil(y - radius)); r <= Math.min(height - 1, y + radius); r++) {
      for (let c = Math.max(0, Math.ceil(x - radius)); c <= Math.min(width - 1, x + radius); c++) {
        if ((r - y) ** 2 + (c - x) ** 2 <= radius ** 2) mask[r * width + c] = id;
      }
    }
  }

  // ---- the figure ----

  /** A photograph with its masks, which come when it is chosen. */
  async function street(name) {
    const data = await need(`street_${name}`);
    const [image, truth, predicted] = await Promise.all([loaded(data.photograph), unpacked(data.true), unpacked(data.predicted)]);
    return { image, truth, predicted, own: new Uint8Array(truth.length).fill(VOID), height: data.height, width: data.width };
  }

  const count = (number) => number.toLocaleString("en");
  const square = (ink) => draw("rect", { width: 12, height: 12, fill: `rgb(${ink})` });

  async function overlay(el) {
    await whenNear(el.previousElementSibling);
    const { photographs, classes, colours } = await need("streets");
    let scene = await street(photographs[0]);
    let share = 0.2, opacity = 0.6, brush = 12, cursor = null;

    const left = make("canvas", { role: "img", class: "figure-picture figure-street" });
    const right = make("canvas", { role: "img", class: "figure-picture figure-street" });
    const layer = make("canvas"); // the coloured mask, not on the page by itself
    const says = make("p", { role: "status" });
    const photograph = select("photograph", photographs), chosen = select("class", Object.keys(classes));
    const whose = select("mask", ["the network's", "painted by yourself"]);
    const others = make("input", { type: "checkbox", checked: "" }), erase = make("input", { type: "checkbox" });
    const clear = make("button", { type: "button", class: "btn btn-sm btn-outline-secondary" }, "clear");
    chosen.value = "Road";
    const painting = () => whose.selectedIndex === 1;
    const mask = () => (painting() ? scene.own : scene.predicted);

    /** Photograph, mask and divider; cheap, since the mask's colours are kept. */
    function compose() {
      const { image, height, width } = scene, pen = left.getContext("2d");
      [left.height, left.width] = [height, width];
      pen.drawImage(image, 0, 0);
      const from = painting() ? 0 : Math.round(share * width);
      pen.globalAlpha = opacity;
      if (from < width) pen.drawImage(layer, from, 0, width - from, height, from, 0, width - from, height);
      pen.globalAlpha = 1;
      if (!painting()) {
        for (const [colour, thickness] of [["black", 6], ["white", 4]]) {
          pen.fillStyle = colour;
          pen.fillRect(from - thickness / 2, 0, thickness, height);
        }
      } else if (cursor) {
        ring(pen, cursor, brush);
      }
    }

    function redraw() {
      const number = classes[chosen.value], ids = mask();
      const shown = (i) => ids[i] !== VOID && (others.checked || ids[i] === number);
      paint(layer, scene.height, scene.width, (i) => shown(i) && colours[ids[i]]);
      const { places, both, missed, invented, union } = regions(scene.truth, ids, number);
      paint(right, scene.height, scene.width, (i) => INKS[places[i]] ?? EMPTY);
      const own = painting() ? "your mask" : "the network's mask";
      left.setAttribute("aria-label", painting()
        ? `the photograph ${photograph.value} to paint on: arrow keys move the brush, space paints`
        : `the photograph ${photograph.value}, at the right of the divider under ${own}: arrow keys move the divider`);
      right.setAttribute("aria-label", `the pixels of ${chosen.value}: in both masks, missed, and invented`);
      says.textContent = union
        ? `${chosen.value}: IoU ${count(both)} / ${count(union)} = ${(both / union).toFixed(2)}; ${count(missed)} missed, ${count(invented)} invented.`
        : `${chosen.value} is in neither mask.`;
      compose();
    }

    const divider = slider("divider", [0, 1, 0.01], share, (value) => { share = value; compose(); });
    const size = slider("brush", [2, 40, 1], brush, (value) => { brush = value; compose(); });
    const tools = make("div", { class: "figure-row" }, size, labelled("erase", erase), clear);
    const move = (value) => {
      const input = divider.querySelector("input");
      input.value = between(0, 1, value);
      input.dispatchEvent(new Event("input"));
    };
    const stroke = () => {
      dab(scene.own, scene.height, scene.width, cursor, brush, erase.checked ? VOID : classes[chosen.value]);
      redraw();
    };
    const middle = () => [scene.width / 2, scene.height / 2];
    steer(left, (event) => {
      const place = pointed(left, event);
      if (!painting()) return event.buttons && move(place[0] / scene.width);
      cursor = place;
      return event.buttons ? stroke() : compose();
    }, (way) => {
      if (!painting()) return move(share + 0.02 * way[0]);
      const limits = [scene.width, scene.height];
      cursor = (cursor ?? middle()).map((value, k) => between(0, limits[k], value + (brush / 2) * way[k]));
      return compose();
    });
    left.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      if (!painting()) return;
      cursor ??= middle();
      stroke();
    });
    // Only the side to which a finger moves the divider is ours: the page scrolls up and down, unless one paints.
    const change = () => {
      divider.hidden = painting();
      tools.hidden = !painting();
      left.style.touchAction = painting() ? "none" : "pan-y";
      redraw();
    };
    photograph.addEventListener("change", async () => {
      const name = photograph.value;
      try {
        const found = await street(name);
        if (name !== photograph.value) return; // the reader has gone on
        [scene, cursor] = [found, null];
        redraw();
      } catch (error) { says.textContent = error.message; }
    });
    for (const input of [chosen, others]) input.addEventListener("change", redraw);
    whose.addEventListener("change", change);
    clear.addEventListener("click", () => { scene.own.fill(VOID); redraw(); });
    el.append(
      make("div", { class: "figure-row" }, labelled("photograph", photograph), labelled("class", chosen),
        labelled("mask", whose), labelled("other classes", others)),
      divider, slider("opacity", [0, 1, 0.05], opacity, (value) => { opacity = value; compose(); }), tools,
      says, make("div", { class: "figure-row" }, left, right),
      legend(...["in both masks", "true only: missed", "the other only: invented"].map((words, k) => [square(INKS[k]), words])));
    change();
  }

  register("overlay", overlay);
  Object.assign(courseFigures, { street: { regions, dab } });
})();
