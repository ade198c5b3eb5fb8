// Pan, zoom and choose in a drawing. The drawing itself is the server's; without this it scrolls and its nodes are links.
const CLOSEST = 0.2, FARTHEST = 6, READABLE = 1.7;

class Canvas {
  constructor(box) {
    this.box = box;
    this.svg = box.querySelector("svg.graph");
    const [x, y, width, height] = this.svg.getAttribute("viewBox").split(" ").map(Number);
    this.whole = { x, y, width, height };
    this.view = { ...this.whole };
    this.pointers = new Map();
    this.moved = false;
    box.classList.add("live");
    this.svg.removeAttribute("width");
    this.svg.removeAttribute("height");
    this.width = box.clientWidth;
    this.fit(READABLE);
    this.listen();
    this.addTools();
  }

  // The whole drawing, but never larger than life. At first also never too small to be read: then from its left end.
  fit(coarsest = Infinity) {
    const boxWidth = Math.max(this.box.clientWidth, 1);
    const wanted = Math.max(this.whole.width / boxWidth, 1);
    const most = Math.min(window.innerHeight * 0.62, 720);
    const scale = Math.min(Math.max(wanted, this.whole.height / most), coarsest);
    this.box.style.height = `${Math.round(Math.min(Math.max(this.whole.height / scale + 24, 220), most))}px`;
    const width = boxWidth * scale, height = Math.max(this.box.clientHeight, 1) * scale;
    const x = width < this.whole.width ? this.whole.x : this.whole.x - (width - this.whole.width) / 2;
    this.view = { x, y: this.whole.y - (height - this.whole.height) / 2, width, height };
    this.show();
  }

  show() {
    const { x, y, width, height } = this.view;
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
  }

  zoom(factor, clientX, clientY) {
    const area = this.box.getBoundingClientRect();
    const left = ((clientX ?? area.left + area.width / 2) - area.left) / area.width;
    const top = ((clientY ?? area.top + area.height / 2) - area.top) / area.height;
    const width = Math.min(Math.max(this.view.width * factor, area.width * CLOSEST), Math.max(this.whole.width, area.width) * FARTHEST);
    const height = width * (this.view.height / this.view.width);
    this.view.x += (this.view.width - width) * left;
    this.view.y += (this.view.height - height) * top;
    Object.assign(this.view, { width, height });
    this.show();
  }

  pan(dx, dy) {
    const area = this.box.getBoundingClientRect();
    this.view.x -= dx * (this.view.width / area.width);
    this.view.y -= dy * (this.view.height / area.height);
    this.show();
  }

  listen() {
    this.box.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.12 : 1 / 1.12, event.clientX, event.clientY);
    }, { passive: false });
    this.box.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".tools")) return;
      this.pointers.set(event.pointerId, event);
      this.moved = false;
      this.box.classList.add("held");
    });
    window.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, (event) => {
        this.pointers.delete(event.pointerId);
        if (!this.pointers.size) this.box.classList.remove("held");
      });
    }
    this.box.addEventListener("dragstart", (event) => event.preventDefault());
    this.box.addEventListener("click", (event) => this.choose(event), true);
    this.box.addEventListener("focusin", (event) => this.reveal(event.target));
    new ResizeObserver(() => {
      if (this.box.clientWidth === this.width) return;
      this.width = this.box.clientWidth;
      this.fit(READABLE);
    }).observe(this.box);
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
    if (this.pointers.size === 1) {
      if (Math.abs(dx) + Math.abs(dy) < 3 && !this.moved) return;
      this.pan(dx, dy);
    } else {
      const other = [...this.pointers.values()].find((one) => one.pointerId !== event.pointerId);
      const spread = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      this.zoom(spread(before, other) / Math.max(spread(event, other), 1), (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
    }
    this.moved = true;
    this.pointers.set(event.pointerId, event);
  }

  // A node that the keyboard reaches comes into sight.
  reveal(link) {
    const node = link.closest?.("a")?.getBoundingClientRect(), area = this.box.getBoundingClientRect();
    if (!node) return;
    if (node.left < area.left || node.right > area.right || node.top < area.top || node.bottom > area.bottom) {
      this.pan(area.left + area.width / 2 - (node.left + node.width / 2), area.top + area.height / 2 - (node.top + node.height / 2));
    }
  }

  // A click on a node shows it beside the drawing; the address stays one that can be sent to others.
  choose(event) {
    const link = event.target.closest?.("svg.graph a");
    if (!link) return;
    if (this.moved) { event.preventDefault(); event.stopPropagation(); this.moved = false; return; }
    const inspector = this.box.dataset.inspector;
    if (!inspector || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const address = link.getAttribute("href");
    for (const one of this.svg.querySelectorAll(".selected")) one.classList.remove("selected");
    for (const one of this.svg.querySelectorAll("[aria-current]")) one.removeAttribute("aria-current");
    link.querySelector(".node").classList.add("selected");
    link.setAttribute("aria-current", "true");
    window.htmx.ajax("GET", address, { target: inspector, swap: "innerHTML" });
    history.replaceState(null, "", address);
  }

  addTools() {
    const tools = document.createElement("div");
    tools.className = "tools";
    for (const [label, sign, act] of [["Zoom in", "+", () => this.zoom(1 / 1.3)], ["Zoom out", "−", () => this.zoom(1.3)], ["Fit the whole drawing", "⤢", () => this.fit()]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sign;
      button.setAttribute("aria-label", label);
      button.addEventListener("click", act);
      tools.append(button);
    }
    this.box.append(tools);
  }
}

export function drawings(root) {
  for (const box of root.querySelectorAll("[data-canvas]:not(.live)")) new Canvas(box);
}
