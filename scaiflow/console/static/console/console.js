// What every page gets from JavaScript. Without it all pages can be read and all forms work.
import { drawings } from "./graph.js";
import { live } from "./live.js";
import { localMoments, localTimes } from "./times.js";

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = token();
});

function copies(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
}

// One open question at a time; Escape and a click elsewhere close it.
function closeQuestions(except) {
  for (const open of document.querySelectorAll("details.confirm[open]")) if (open !== except) open.open = false;
}
document.addEventListener("click", (event) => closeQuestions(event.target.closest("details.confirm")));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeQuestions(null); });

// A form with typed text asks before it is left.
for (const form of document.querySelectorAll("form[data-guard]")) {
  let touched = false;
  form.addEventListener("input", () => { touched = true; });
  form.addEventListener("submit", () => { touched = false; });
  window.addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
}

function enhance(root) {
  localTimes(root);
  copies(root);
  drawings(root);
}
enhance(document);
localMoments(document);
for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.scrollIntoView({ inline: "center", block: "nearest" });
live();
document.addEventListener("htmx:afterSettle", (event) => enhance(event.detail.target ?? document));
