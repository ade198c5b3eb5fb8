// A flow's runs as they happen: the stream lights the drawing at once and lets the server draw the list anew.
// The browser comes back by itself with the last event's id, so nothing is missed in between.
const REFRESH = 400, POLL = 5000;

class Live {
  constructor(badge) {
    this.badge = badge;
    this.list = document.querySelector("#runs");
    this.timer = null;
    this.open();
    document.addEventListener("htmx:beforeSwap", (event) => { if (event.detail.target === this.list) this.remember(); });
    document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target === this.list) this.restore(); });
  }

  open() {
    this.source = new EventSource(this.badge.dataset.live);
    // The page was made before the stream began: what came in between stands in neither, so the list is asked for again.
    this.source.onopen = () => { this.say("live", "good"); this.refresh(); };
    this.source.onmessage = (event) => { this.light(JSON.parse(event.data)); this.refresh(); };
    this.source.addEventListener("gap", () => this.refresh());
    this.source.addEventListener("end", (event) => this.end(JSON.parse(event.data)));
    this.source.onerror = () => {
      if (this.source.readyState !== EventSource.CLOSED) { this.say("connecting again …", "warn"); return; }
      this.say("asked every 5 seconds", "idle");
      setInterval(() => this.refresh(), POLL);
    };
  }

  end(why) {
    if (!["no_access", "not_found"].includes(why.error)) return;
    this.source.close();
    this.say(why.message, "bad");
  }

  say(words, tone) {
    this.badge.className = `badge ${tone}`;
    this.badge.textContent = words;
  }

  light(event) {
    const payload = event.payload ?? {}, what = String(event.type ?? "").split(".").pop();
    if (what === "started") this.mark(null, null);
    const state = { entered: "running", exited: "done", failed: "failed" }[what];
    if (state && payload.node_id) this.mark(payload.node_id, state);
  }

  mark(node, state) {
    const chosen = node === null ? ".node" : `.node[data-node="${CSS.escape(node)}"]`;
    for (const one of document.querySelectorAll(`#lit ${chosen}`)) {
      one.classList.remove("mark-running", "mark-done", "mark-failed", "mark-waiting");
      one.querySelector(".badge")?.remove();
      if (state) one.classList.add(`mark-${state}`);
    }
  }

  refresh() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      window.htmx.ajax("GET", location.pathname + location.search, { target: this.list, swap: "innerHTML" });
    }, REFRESH);
  }

  // What the reader has unfolded stays unfolded.
  remember() {
    this.unfolded = [...this.list.querySelectorAll("details[open]")].map((one) => one.id);
  }

  restore() {
    for (const id of this.unfolded ?? []) { const one = document.getElementById(id); if (one) one.open = true; }
    const marks = this.list.querySelector("[data-chosen]")?.dataset.marks;
    if (!marks) return;
    this.mark(null, null);
    for (const pair of marks.split(";")) {
      const [node, state] = pair.split("=");
      if (node) this.mark(node, state);
    }
  }
}

export function live() {
  const badge = document.querySelector("[data-live]");
  if (badge) window.addEventListener("load", () => new Live(badge), { once: true });
}
