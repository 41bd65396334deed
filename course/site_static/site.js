// A reader who does not want to see code hides it; the choice stays on this machine.
const HIDDEN = "without-code";
const root = document.documentElement;

function kept() {
  try { return localStorage.getItem(HIDDEN) === "yes"; } catch { return false; } // a private window may forbid it
}

function keep(hidden) {
  try { localStorage.setItem(HIDDEN, hidden ? "yes" : "no"); } catch { /* the choice lasts for this page */ }
}

addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll(".bd-sidebar-primary summary")) {
    arrow.setAttribute("aria-label", "Pages below this one"); // the style leaves it without a name
  }
  if (!document.querySelector(".cell_input")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm btn-outline-secondary code-switch";
  const show = (hidden) => {
    root.classList.toggle(HIDDEN, hidden);
    button.textContent = hidden ? "Show the code" : "Hide the code";
  };
  button.addEventListener("click", () => {
    const hidden = !root.classList.contains(HIDDEN);
    keep(hidden);
    show(hidden);
  });
  show(kept());
  document.querySelector("article h1").after(button);
});
