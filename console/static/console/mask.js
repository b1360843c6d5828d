// A mask is painted on a picture: white is drawn anew, black stays. With mouse, finger or pen, or
// as rectangles by numbers. What is painted stands as a PNG in the hidden input that data-mask
// names; nothing painted is the empty text.
const SHADE = "rgb(255 60 60 / 55%)";

export class Mask {
  constructor(place) {
    this.place = place;
    this.canvas = place.querySelector("canvas");
    this.input = document.getElementById(place.dataset.mask);
    this.share = place.querySelector("[data-mask-share]");
    this.layer = document.createElement("canvas");
    this.tool = "brush";
    this.marks = [];
    this.picture = null;
    this.listen();
  }

  open(address) {
    const picture = new Image();
    picture.addEventListener("load", () => {
      this.picture = picture;
      this.marks = [];
      for (const canvas of [this.canvas, this.layer]) {
        canvas.width = picture.naturalWidth;
        canvas.height = picture.naturalHeight;
      }
      this.draw();
      this.store();
    });
    picture.src = address;
  }

  listen() {
    const { canvas, place } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.picture || event.button) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      const size = (Number(place.querySelector("[data-size]").value) / 100) * canvas.width;
      this.marks.push({ erases: this.tool === "eraser", size, points: [this.at(event)] });
      this.draw();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      this.marks.at(-1).points.push(this.at(event));
      this.draw();
    });
    canvas.addEventListener("lostpointercapture", () => this.store());
    place.addEventListener("click", (event) => {
      const tool = event.target.closest("[data-tool]");
      if (tool) this.choose(tool);
      const deed = event.target.closest("[data-do]")?.dataset.do;
      if (deed && this.picture) this[deed]();
    });
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * this.canvas.width,
      ((event.clientY - box.top) / box.height) * this.canvas.height,
    ];
  }

  choose(button) {
    this.tool = button.dataset.tool;
    for (const other of this.place.querySelectorAll("[data-tool]")) {
      other.classList.toggle("btn-primary", other === button);
      other.setAttribute("aria-pressed", other === button);
    }
  }

  undo() {
    this.marks.pop();
    this.draw();
    this.store();
  }

  clear() {
    this.marks = [];
    this.draw();
    this.store();
  }

  rectangle() {
    const told = (name) => {
      const value = Number(this.place.querySelector(`[data-rectangle=${name}]`).value);
      return Math.min(Math.max(value || 0, 0), 100) / 100;
    };
    const { width, height } = this.canvas;
    const box = [told("left") * width, told("top") * height, told("width") * width, told("height") * height];
    this.marks.push({ erases: this.tool === "eraser", box });
    this.draw();
    this.store();
  }

  draw() {
    const layer = this.layer.getContext("2d");
    layer.clearRect(0, 0, this.layer.width, this.layer.height);
    for (const mark of this.marks) paint(layer, mark);
    const shown = this.canvas.getContext("2d");
    shown.globalCompositeOperation = "source-over";
    shown.clearRect(0, 0, this.canvas.width, this.canvas.height);
    // The layer in colour, then the picture behind it.
    shown.drawImage(this.layer, 0, 0);
    shown.globalCompositeOperation = "source-in";
    shown.fillStyle = SHADE;
    shown.fillRect(0, 0, this.canvas.width, this.canvas.height);
    shown.globalCompositeOperation = "destination-over";
    shown.drawImage(this.picture, 0, 0);
  }

  store() {
    const share = this.painted();
    const { nothing, some } = this.share.dataset;
    this.share.textContent = share ? some.replace("%s", Math.max(Math.round(share * 100), 1)) : nothing;
    this.input.value = share ? this.file() : "";
  }

  // Which part of the picture is painted, by a small copy.
  painted() {
    const small = document.createElement("canvas");
    small.width = small.height = 100;
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.layer, 0, 0, 100, 100);
    const { data } = context.getImageData(0, 0, 100, 100);
    let found = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > 127) found += 1;
    return found / 10000;
  }

  file() {
    const made = document.createElement("canvas");
    made.width = this.layer.width;
    made.height = this.layer.height;
    const context = made.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, made.width, made.height);
    context.drawImage(this.layer, 0, 0);
    return made.toDataURL("image/png");
  }
}

function paint(context, mark) {
  context.globalCompositeOperation = mark.erases ? "destination-out" : "source-over";
  context.fillStyle = context.strokeStyle = "#fff";
  if (mark.box) {
    context.fillRect(...mark.box);
    return;
  }
  const [first, ...rest] = mark.points;
  context.lineWidth = mark.size;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...first);
  // A point alone is a dot.
  for (const point of rest.length ? rest : [[first[0] + 0.1, first[1]]]) context.lineTo(...point);
  context.stroke();
}
