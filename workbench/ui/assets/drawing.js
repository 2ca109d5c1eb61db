// A figure that was drawn on the server once and is put into any number of pages: its models live
// in this browser alone, so that a visitor costs the server neither time nor memory.
const pause = () => new Promise((done) => setTimeout(done, 0));
const attached = async (place, wanted) => {
  while (!place.isConnected && wanted()) await pause();
  return wanted();
};

// Take a drawing away with all that Bokeh keeps of it.
const drop = (views) => {
  for (const view of views?.roots ?? []) {
    const page = view.model.document;
    view.remove();
    const at = Bokeh.documents.indexOf(page);
    if (at >= 0) Bokeh.documents.splice(at, 1);
  }
};

const put = async (drawing, place, wanted) => {
  if (!await attached(place, wanted)) return null;
  const views = await inTurn(async () =>
    wanted() ? Bokeh.embed.embed_item(structuredClone(drawing), place) : null);
  for (const view of views?.roots ?? []) {
    dispatchEvent(new CustomEvent("drawn", {detail: view.model.document}));
  }
  return views;
};

// A page that holds a drawing is not idle before it is drawn.
const views = Bokeh.Models.get("panel.models.esm.ReactiveESM").prototype.default_view.prototype;
if (!views.waits_for_drawing) {
  const finished = views.has_finished;
  views.waits_for_drawing = true;
  views.has_finished = function () {
    return finished.call(this) && (this.model.class_name !== "Still" || this.is_drawn === true);
  };
}

// The figures of a page are drawn one after another: the first is there early, and the page answers
// in between. None waits for ever for one that does not end.
const LONGEST = 10_000;  // milliseconds
const inTurn = (draw) => {
  const drawn = (views.last_drawing ?? Promise.resolve()).then(pause).then(draw);
  views.last_drawing = Promise.race([
    drawn.catch(() => {}), new Promise((done) => setTimeout(done, LONGEST))]);
  return drawn;
};

// What the server may hear of: clicks, stretches of an axis, and the part that is zoomed into.
const TOLD = {
  tap: ({x, y}, figure) => ({kind: "tap", x, y, spans: [
    figure.x_range.end - figure.x_range.start, figure.y_range.end - figure.y_range.start]}),
  selectiongeometry: ({geometry, final}) => final && geometry.x0 !== geometry.x1 &&
    {kind: "brush", ends: [geometry.x0, geometry.x1].sort((a, b) => a - b), box: [
      Math.min(geometry.x0, geometry.x1), Math.min(geometry.y0, geometry.y1),
      Math.max(geometry.x0, geometry.x1), Math.max(geometry.y0, geometry.y1)]},
};
const QUIET = 60;        // milliseconds without movement before a zoom is told

// Tells the server; what is returned tells anew what was zoomed into.
const listen = (page, model) => {
  const zooms = [];
  for (const figure of [...page.all_models].filter((one) => one.type === "Figure")) {
    for (const name of model.hears.filter((one) => one in TOLD)) {
      figure.on_event(name, (event) => {
        const told = TOLD[name](event, figure);
        if (told) model.send_msg(told);
      });
    }
    if (model.hears.includes("zoom")) zooms.push(zoomed(figure, model));
  }
  return () => zooms.forEach((again) => again());
};

const zoomed = ({x_range, y_range}, model) => {
  let waiting = null, isZoomed = false;
  const tell = () => {
    isZoomed = true;
    clearTimeout(waiting);
    waiting = setTimeout(() => model.send_msg({kind: "zoom", bounds: [
      x_range.start, y_range.start, x_range.end, y_range.end]}), QUIET);
  };
  for (const range of [x_range, y_range]) {
    range.properties.start.change.connect(tell);
    range.properties.end.change.connect(tell);
  }
  return () => isZoomed && tell();
};

// Parts of a drawing that change, by their name: data of a source, or properties of any other.
const change = (page, parts) => {
  for (const [name, values] of Object.entries(parts)) {
    for (const one of [...page.all_models].filter((model) => model.name === name)) {
      if (one.type === "ColumnDataSource") one.data = values; else one.setv(values);
    }
  }
};

// The picture of a figure shows what the page shows, in the colours of day whatever the page wears:
// it is drawn anew out of sight, and follows what was zoomed, marked, hidden and counted since.
const PIXELS = 2;        // of a PNG, for each of the page

const follow = (twin, shown) => {
  const twins = new Map([...twin.all_models].map((one) => [one.id, one]));
  for (const one of shown.all_models) {
    const other = twins.get(one.id);
    if (!other) continue;
    if (/^(Range1d|DataRange1d)$/.test(one.type)) other.setv({start: one.start, end: one.end});
    if (one.type === "GlyphRenderer") other.setv({visible: one.visible, muted: one.muted});
    if (one.type === "ColumnDataSource" && one.name) other.data = one.data;
  }
};

const quiet = async (page) => {
  while (!page.is_idle) await new Promise((done) => setTimeout(done, 10));
};

const sharp = (draw) => {
  const own = Object.getOwnPropertyDescriptor(window, "devicePixelRatio");
  Object.defineProperty(window, "devicePixelRatio", {configurable: true, value: PIXELS});
  try { return draw(); } finally {
    delete window.devicePixelRatio;
    if (own) Object.defineProperty(window, "devicePixelRatio", own);
  }
};

const onWhite = async (blob, kind) => {
  if (kind === "svg") {
    const drawn = new DOMParser().parseFromString(await blob.text(), "image/svg+xml");
    const paper = drawn.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({width: "100%", height: "100%", fill: "#ffffff"})) {
      paper.setAttribute(name, value);
    }
    drawn.documentElement.prepend(paper);
    return new Blob([new XMLSerializer().serializeToString(drawn)], {type: "image/svg+xml"});
  }
  const image = await createImageBitmap(blob), canvas = document.createElement("canvas");
  canvas.width = image.width; canvas.height = image.height;
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#ffffff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(image, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
};

const picture = async (model, drawing, frame, shown, kind) => {
  const place = document.createElement("div");
  place.style.cssText = `position:fixed; left:-10000px; top:0; width:${frame.clientWidth}px`;
  place.setAttribute("aria-hidden", "true");
  frame.append(place);
  const views = await Bokeh.embed.embed_item(structuredClone(drawing), place);
  try {
    const [root] = views.roots, page = root.model.document;
    await quiet(page);
    follow(page, shown);
    change(page, model.marks);
    await quiet(page);
    const layer = sharp(() => root.export(kind));
    return await onWhite(await layer.to_blob(), kind);
  } finally {
    drop(views);
    place.remove();
  }
};

const save = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

// Two small buttons below a figure that has a name for its files.
const pictures = (model, frame, now) => {
  const row = document.createElement("div");
  row.className = "pictures";
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  row.append("Save as");
  for (const kind of ["png", "svg"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind.toUpperCase();
    button.setAttribute("aria-label", `Download the figure ${model.file} as ${kind.toUpperCase()}`);
    button.addEventListener("click", async () => {
      const {page, drawing} = now();
      if (!page || button.getAttribute("aria-busy")) return;
      button.setAttribute("aria-busy", "true");
      told.textContent = "";
      try { save(await picture(model, drawing, frame, page, kind), `${model.file}.${kind}`); }
      catch { told.textContent = "This browser could not draw the picture. Reload and try again."; }
      finally { button.removeAttribute("aria-busy"); }
    });
    row.append(button);
  }
  row.append(told);
  return row;
};

export function render({model, view}) {
  const whole = document.createElement("div"), frame = document.createElement("div");
  let shown = null, drawing = null, heard = "", again = null, latest = 0;
  const page = () => shown?.roots[0]?.model.document;
  const draw = async () => {
    const mine = ++latest;
    await null;              // what comes with the drawing is there too
    const next = model.drawn ? JSON.parse(model.drawn) : null;
    const other = next && page() && heard === String(model.hears) && redrawn(page(), drawing, next);
    if (other) {
      drawing = other;
      change(page(), model.marks);
      again?.();
      return;
    }
    const place = document.createElement("div");
    frame.append(place);
    const views = next ? await put(next, place, () => mine === latest) : null;
    if (mine !== latest) { drop(views); place.remove(); return; }
    drop(shown);
    [shown, drawing, heard] = [views, next, String(model.hears)];
    frame.replaceChildren(place);
    if (!page()) return;
    change(page(), model.marks);
    again = listen(page(), model);
  };
  whole.append(frame);
  if (model.file) whole.append(pictures(model, frame, () => ({page: page(), drawing})));
  draw().finally(() => { view.is_drawn = true; view.notify_finished(); });
  model.on("drawn", draw);
  model.on("marks", () => page() && change(page(), model.marks));
  model.on("msg:custom", (parts) => page() && change(page(), parts));
  model.on("remove", () => { latest++; drop(shown); shown = null; });
  return whole;
}
