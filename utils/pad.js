// A square to draw on; its value is the drawing in 28 x 28 grey values, white ink on black.
const SIDE = 28;
const SCALE = 10;

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE * SCALE;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Pad to draw on. Arrow keys move the pen, space sets it down or lifts it, Delete clears.");
  canvas.style.cssText = "touch-action: none; cursor: crosshair; border: 1px solid #888;";
  const clear = document.createElement("button");
  clear.textContent = "✕";
  clear.title = "clear";
  clear.setAttribute("aria-label", "clear the pad");
  clear.className = "jupyter-button";
  const pen = canvas.getContext("2d");
  const small = document.createElement("canvas");
  small.width = small.height = SIDE;
  const grid = small.getContext("2d", { willReadFrequently: true });
  let x = canvas.width / 2;
  let y = canvas.height / 2;
  let down = false;
  let waiting = false;

  const send = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      grid.drawImage(canvas, 0, 0, SIDE, SIDE);
      const pixels = grid.getImageData(0, 0, SIDE, SIDE).data;
      const grey = new Uint8Array(SIDE * SIDE).map((_, i) => pixels[4 * i]);
      model.set("value", new DataView(grey.buffer));
      model.save_changes();
    });
  };
  const wipe = () => {
    pen.fillStyle = "black";
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  const line = (toX, toY) => {
    pen.strokeStyle = "white";
    pen.lineWidth = 2.2 * SCALE;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
    pen.stroke();
    send();
  };
  const move = (toX, toY, draw) => {
    if (draw) line(toX, toY);
    [x, y] = [toX, toY];
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    [x, y] = place(event);
    line(x, y);
  });
  canvas.addEventListener("pointermove", (event) => move(...place(event), event.buttons > 0));
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (step) {
      const limit = (value) => Math.min(canvas.width, Math.max(0, value));
      move(limit(x + SCALE * step[0]), limit(y + SCALE * step[1]), down);
    } else if (event.key === " ") {
      down = !down;
      if (down) line(x, y);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      wipe();
      send();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  clear.addEventListener("click", () => {
    wipe();
    send();
  });
  wipe();
  const old = model.get("value");
  new Uint8Array(old.buffer, old.byteOffset, old.byteLength).forEach((value, i) => {
    pen.fillStyle = `rgb(${value}, ${value}, ${value})`;
    if (value) pen.fillRect((i % SIDE) * SCALE, Math.floor(i / SIDE) * SCALE, SCALE, SCALE);
  });
  const row = document.createElement("div");
  row.style.cssText = "display: flex; align-items: flex-start; gap: 8px;";
  row.append(canvas, clear);
  el.append(row);
}
export default { render };
