// Lessons 6 and 7: a trained network names what is on a photograph, one of the course's or the reader's own, which never
// leaves the machine.
"use strict";
(() => {
  const { make, select, labelled, bars, paint, bytes, unpacked, best, resize, need, whenNear, register, networks } = courseFigures;
  const CROP = 0.875; // of the shorter side, as in lesson 7
  const GREY = 127; // around a picture that is padded

  // ---- mathematics ----

  /** To the nearest whole number, from the middle between two to the even one, as Python rounds. */
  const round = (value) => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

  /** The ways to make a picture square: how large a part of the plane is seen, and where in it the picture begins. */
  const SQUARES = {
    crop(width, height) {
      const side = round(CROP * Math.min(width, height));
      return { width: side, height: side, left: -Math.floor((width - side) / 2), top: -Math.floor((height - side) / 2) };
    },
    squash: (width, height) => ({ width, height, left: 0, top: 0 }),
    pad(width, height) {
      const side = Math.max(width, height);
      return { width: side, height: side, left: Math.floor((side - width) / 2), top: Math.floor((side - height) / 2) };
    },
  };

  const without = (channels) => (_, i) => i % channels !== channels - 1;

  /** RGB of a picture that the browser has read, made square in one of the ways, side x side. */
  function squared(picture, way, side) {
    const { width, height, left, top } = SQUARES[way](picture.width, picture.height);
    const pen = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
    pen.fillStyle = `rgb(${[GREY, GREY, GREY]})`;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "white"; // below what is transparent
    pen.fillRect(left, top, picture.width, picture.height);
    pen.drawImage(picture, left, top);
    return resize(pen.getImageData(0, 0, width, height).data.filter(without(4)), height, width, side, side, 3);
  }

  // ---- parts ----

  /** A picture as it is stored, not as the screen would show its colours. */
  const decode = (blob) => createImageBitmap(blob, { colorSpaceConversion: "none" });

  /** A figure that asks a network: `stored(value)` and `own(file)` give pixels, `choices` stand in their row. */
  function asker(el, { layers, names, side, choice, more = [], stored, own }) {
    const seen = make("canvas", { role: "img", "aria-label": "the picture as the network sees it", class: "figure-picture figure-seen" });
    const answer = make("div", { class: "figure-bars figure-names" });
    const says = make("p", { role: "status" });
    const file = make("input", { type: "file", accept: "image/*", "aria-label": "your own picture" });
    let source = () => stored(choice.value), turn = 0;
    async function ask() {
      const mine = ++turn;
      says.textContent = "The network is working …";
      try {
        const pixels = await source();
        if (mine !== turn) return; // the reader has gone on
        paint(seen, side, side, (i) => [pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]]);
        const probabilities = await networks.predict(layers, pixels, side);
        if (mine !== turn) return;
        const lines = best(names.map((name, index) => [name, probabilities[index]]), 5);
        answer.replaceChildren(...bars(lines, 3));
        says.textContent = `Answer: ${lines.map(([name, probability]) => `${name} ${probability.toFixed(3)}`).join(", ")}.`;
      } catch (error) {
        if (mine === turn) says.textContent = error.message;
      }
    }
    choice.addEventListener("change", () => { source = () => stored(choice.value); file.value = ""; ask(); });
    more.forEach((control) => control.addEventListener("change", ask));
    file.addEventListener("change", () => {
      if (!file.files.length) return;
      const chosen = file.files[0];
      source = () => own(chosen).catch(() => { throw new Error("This file is not a picture that the browser can read."); });
      ask();
    });
    el.append(
      make("div", { class: "figure-row" },
        ...[choice, ...more].map((control) => labelled(control.getAttribute("aria-label"), control)),
        labelled("your own picture (it stays on this machine)", file)),
      says, make("div", { class: "figure-row" }, seen, answer));
    return ask();
  }

  // ---- the figures ----

  /** Lesson 6: ten kinds of things, pictures of 32 x 32. */
  async function objects(el) {
    await whenNear(el.previousElementSibling);
    const { layers, names, photographs } = await need("objects");
    const side = 32;
    return asker(el, {
      layers: networks.unpack(layers), names, side,
      choice: select("photograph", photographs.map(({ title, label }, place) => [place, `${names[label]}: ${title}`])),
      stored: (place) => unpacked(photographs[place].pixels),
      own: async (file) => squared(await decode(file), "crop", side),
    });
  }

  /** Lesson 7: EfficientNet-Lite0 and its thousand classes, loaded when the reader asks for it. */
  async function imagenet(el) {
    const load = make("button", { type: "button", class: "btn btn-outline-secondary" },
      "Ask EfficientNet-Lite0 here, about a picture of your own too (loads 13 MB)");
    const problem = make("p", { role: "status" });
    el.append(load, problem);
    await new Promise((resolve) => {
      load.addEventListener("click", async () => {
        load.disabled = true;
        problem.textContent = "The network is loading …";
        try { resolve(await need("imagenet")); } catch (error) {
          problem.textContent = error.message;
          load.disabled = false;
        }
      });
    });
    const { layers, names, photographs } = await need("imagenet");
    const side = 224;
    const way = select("square", Object.keys(SQUARES));
    const choice = select("photograph", photographs.map((name) => [name, name.replaceAll("_", " ")]));
    choice.value = "fire_engine";
    el.replaceChildren();
    return asker(el, {
      layers: networks.unpack(layers), names, side, choice, more: [way],
      stored: async (name) => {
        const address = (await need(`photo_${name}`)).photograph;
        const blob = new Blob([bytes(address.split(",")[1])], { type: "image/jpeg" });
        return squared(await decode(blob), way.value, side);
      },
      own: async (file) => squared(await decode(file), way.value, side),
    });
  }

  register("objects", objects);
  register("imagenet", imagenet);
  Object.assign(courseFigures, { photographs: { squared, decode } });
})();
