// Lesson 9: the network's scores on a street photograph, as the map of one class and as the bars of one pixel.
"use strict";
(() => {
  const { make, draw, select, labelled, legend, bars, between, steer, pointed, paint, tone, ring, loaded } = courseFigures;
  const { best, unpacked, need, whenNear, register, GREY } = courseFigures;
  const FIRST = "basilica", ROW = 330, COLUMN = 256; // the lesson speaks of this pixel

  // ---- mathematics: the tests compare it with the network ----

  /** A photograph's score maps: a byte for each class and each `step`-th pixel, 255 for certain. */
  async function scoreMaps(name) {
    const { maps, step, height, width } = await need(`scores_${name}`);
    return { bytes: await unpacked(maps), step, height, width };
  }

  /** The scores of all classes at a row and a column of the photograph. */
  function scoresAt({ bytes, step, height, width }, row, column) {
    const place = Math.floor(row / step) * width + Math.floor(column / step);
    return Array.from({ length: bytes.length / (height * width) }, (_, k) => bytes[k * height * width + place] / 255);
  }

  // ---- the figure ----

  async function view(name) {
    const [street, maps] = await Promise.all([need(`street_${name}`), scoreMaps(name)]);
    return { maps, image: await loaded(street.photograph), height: street.height, width: street.width };
  }

  async function scores(el) {
    await whenNear(el.previousElementSibling);
    const { photographs, classes } = await need("streets"), names = Object.keys(classes);
    let scene = await view(FIRST), place = [COLUMN, ROW];
    const [left, right] = [0, 1].map(() => make("canvas", { role: "img", class: "figure-picture figure-street" }));
    const layer = make("canvas"); // the map as it is stored, not on the page by itself
    const says = make("p", { role: "status" }), lines = make("div", { class: "figure-bars figure-names" });
    const photograph = select("photograph", photographs), chosen = select("class", names);
    photograph.value = FIRST;
    chosen.value = "Building";

    function compose() {
      const { image, maps, height, width } = scene;
      for (const [canvas, picture, scale] of [[left, image, 1], [right, layer, maps.step]]) {
        [canvas.height, canvas.width] = [height, width];
        const pen = canvas.getContext("2d");
        pen.imageSmoothingEnabled = false;
        pen.drawImage(picture, 0, 0, scale * picture.width, scale * picture.height);
        ring(pen, place, 8);
      }
      const [column, row] = place.map((value) => maps.step * Math.floor(value / maps.step));
      const shares = scoresAt(maps, row, column).map((share, k) => [names[k], share]);
      lines.replaceChildren(...bars(shares));
      const words = best(shares, 3).map(([name, share]) => `${name} ${share.toFixed(2)}`);
      says.textContent = `Row ${row}, column ${column}: ${words.join(", ")}.`;
    }

    function redraw() {
      const { bytes, height, width } = scene.maps, from = names.indexOf(chosen.value) * height * width;
      paint(layer, height, width, (i) => tone(bytes[from + i]));
      const way = "a click or arrow keys choose a pixel";
      left.setAttribute("aria-label", `the photograph ${photograph.value}: ${way}`);
      right.setAttribute("aria-label", `the score map of ${chosen.value}, black for 0, white for 1: ${way}`);
      compose();
    }

    const put = ([x, y]) => {
      place = [between(0, scene.width - 1, x), between(0, scene.height - 1, y)];
      compose();
    };
    for (const canvas of [left, right]) {
      steer(canvas, (event) => event.buttons && put(pointed(canvas, event)),
        (way) => put(place.map((value, k) => value + scene.maps.step * way[k])));
      canvas.style.touchAction = "pan-y"; // the page scrolls up and down
    }
    chosen.addEventListener("change", redraw);
    photograph.addEventListener("change", async () => {
      const name = photograph.value;
      try {
        const found = await view(name);
        if (name !== photograph.value) return; // the reader has gone on
        scene = found;
        put(place);
        redraw();
      } catch (error) { says.textContent = error.message; }
    });
    const end = (fill) => draw("rect", { width: 12, height: 12, fill, stroke: GREY });
    el.append(
      make("div", { class: "figure-row" }, labelled("photograph", photograph), labelled("class", chosen)),
      says, make("div", { class: "figure-row" }, left, right),
      legend([end("black"), "score 0"], [end("white"), "score 1"]), lines);
    redraw();
  }

  register("scores", scores);
  Object.assign(courseFigures, { scores: { scoreMaps, scoresAt } });
})();
