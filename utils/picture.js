// A PNG that says where it was pointed at: fractions of its width and height, from the lower left corner.
function render({ model, el }) {
  const img = document.createElement("img");
  img.style.maxWidth = "100%";
  img.draggable = false;
  const show = () => {
    const old = img.src;
    img.src = URL.createObjectURL(new Blob([model.get("png")], { type: "image/png" }));
    URL.revokeObjectURL(old);
  };
  const name = () => (img.alt = model.get("alt"));
  model.on("change:png", show);
  model.on("change:alt", name);
  show();
  name();
  el.append(img);
  model.set("arrived", true);
  model.save_changes();
  // What ipywidgets leaves out, done when the figure comes into view: a slider is told its label, for those who hear it,
  // and JupyterLab must not take the controls' keys for its own.
  const seen = new IntersectionObserver(() => {
    const all = (selector) => el.closest(".widget-vbox")?.querySelectorAll(selector) ?? [];
    for (const row of all(".widget-slider")) {
      const label = row.querySelector("label").textContent;
      const number = row.querySelector(".widget-readout");
      row.querySelector("[role=slider]").setAttribute("aria-label", label);
      number.setAttribute("role", "textbox");
      number.setAttribute("aria-label", `${label}, number`);
    }
    for (const control of all("select, input, button, [tabindex], [contenteditable]")) {
      control.setAttribute("data-lm-suppress-shortcuts", "true");
    }
  });
  seen.observe(img);
  const end = () => seen.disconnect();
  if (!model.get("pointer")) return end;

  img.tabIndex = 0;
  img.style.cursor = "crosshair";
  img.style.touchAction = "none";
  const send = (x, y) => {
    model.set("pointer", [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))]);
    model.save_changes();
  };
  const follow = (event) => {
    if (!event.buttons) return;
    const box = img.getBoundingClientRect();
    send((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
  };
  img.addEventListener("pointerdown", (event) => {
    img.setPointerCapture(event.pointerId);
    img.focus();
    follow(event);
  });
  img.addEventListener("pointermove", follow);
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  img.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const size = event.shiftKey ? 0.05 : 0.01;
    const [x, y] = model.get("pointer");
    send(x + size * step[0], y + size * step[1]);
  });
  return end;
}
export default { render };
