// Light, dark or as the system; the choice is remembered. Figures are drawn on a canvas, so their
// colours are exchanged by a table, as soon as their models arrive and whenever the theme changes.
(() => {
  const DARK = @DARK@, FRAME = @FRAME@;
  const LIGHT = Object.fromEntries(Object.entries(DARK).map(([kind, table]) =>
    [kind, Object.fromEntries(Object.entries(table).map(([day, night]) => [night, day]))]));
  const PALE = 0.4;                // share of opacity
  const SMALLEST = 240, NARROW = 600, AROUND = 90, FOLDED = 40, TOOLS = 170;     // pixels of page, axis and tools
  const GLYPHS = ["glyph", "selection_glyph", "nonselection_glyph", "hover_glyph", "muted_glyph"];
  const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : system.matches;

  const remembered = () => { try { return localStorage.getItem("theme") } catch { return null } };
  const remember = (theme) => {
    try { theme ? localStorage.setItem("theme", theme) : localStorage.removeItem("theme") } catch { /* private */ }
  };
  const wear = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme; else delete root.dataset.theme;
  };
  wear(remembered());

  const exchanged = (table, spec) => {
    const colour = typeof spec?.value === "string" ? spec.value : spec;
    const other = typeof colour === "string" ? table[colour.toLowerCase()] : undefined;
    return other && (colour === spec ? other : {...spec, value: other});
  };
  const dress = (model, tables) => {
    if (!model?.properties) return;
    for (const kind of ["line", "fill", "text"]) {
      const name = `${kind}_color`;
      if (!(name in model.properties)) continue;
      const colour = exchanged(tables[kind], model[name]);
      if (colour) model.setv({[name]: colour}, {sync: false});
    }
    dressBand(model);
  };
  // A band that is pale on white would be lost in the dark.
  const pale = new WeakMap();
  const dressBand = (model) => {
    const worn = model.fill_alpha?.value ?? model.fill_alpha;
    if (typeof worn !== "number" || worn === 0) return;
    const day = pale.has(model) && worn === 2 * pale.get(model) ? pale.get(model) : worn;
    if (day > PALE) return;
    pale.set(model, day);
    const alpha = isDark() ? 2 * day : day;
    if (alpha !== worn) model.setv({fill_alpha: typeof model.fill_alpha === "number" ? alpha :
      {...model.fill_alpha, value: alpha}}, {sync: false});
  };
  // What is around the data wears fixed colours at night, and by day those it came with.
  const days = new WeakMap();
  const dressFrame = (model, parts) => {
    const day = days.get(model) ?? {};
    for (const [name, night] of Object.entries(parts)) {
      const worn = model[name];
      if (isDark() && worn != null && worn !== night) {
        day[name] = worn;
        model.setv({[name]: night}, {sync: false});
      } else if (!isDark() && worn === night && name in day) {
        model.setv({[name]: day[name]}, {sync: false});
      }
    }
    days.set(model, day);
  };
  // A figure is named by its title, which is broken into lines where the figure is narrow.
  const full = new WeakMap(), ink = document.createElement("canvas").getContext("2d");
  const named = (model) => {
    const told = model.title instanceof Object ? model.title.text : model.title;
    const title = told === lines.get(model.title) ? full.get(model.title) : told;
    const label = typeof title === "string" && title || "Figure";
    if (model.html_attributes?.["aria-label"] !== label) {
      model.setv({html_attributes: {role: "figure", "aria-label": label}}, {sync: false});
    }
    wrapped(model);
  };
  const written = (font) => { ink.font = font; return (text) => ink.measureText(text).width; };
  const fontOf = (model, part) => {
    const size = model[`${part}_font_size`]?.value ?? model[`${part}_font_size`];
    const pixels = parseFloat(size) * (/pt$/.test(size) ? 4 / 3 : 1);
    return `${model[`${part}_font_style`]} ${pixels}px ${model[`${part}_font`]?.value ?? model[`${part}_font`]}`;
  };
  // Pixels beside the data: the names of rows, if an axis has names, and what else stands there.
  const beside = ({left, y_range}) => {
    const named = [...(y_range?.factors ?? []), ...(left ?? []).flatMap((axis) =>
      [...(axis.major_label_overrides?.values?.() ?? [])])].filter((text) => typeof text === "string");
    const axis = left?.find((one) => one.major_label_text_font_size);
    if (!axis || !named.length) return AROUND;
    return Math.max(AROUND, 60 + Math.max(...named.map(written(fontOf(axis, "major_label_text")))));
  };
  const broken = (model, property, part, room) => {
    if (typeof model?.[property] !== "string" || !model[property]) return false;
    if (model[property] !== lines.get(model)) full.set(model, model[property]);
    const width = written(fontOf(model, part)), told = [];
    for (const word of full.get(model).split(/\s+/)) {
      const longer = told.length ? `${told.at(-1)} ${word}` : word;
      if (told.length && width(longer) <= room) told[told.length - 1] = longer; else told.push(word);
    }
    lines.set(model, told.join("\n"));
    if (model[property] === lines.get(model)) return false;
    model.setv({[property]: lines.get(model)}, {sync: false});
    return true;
  };
  const wrapped = (model) => {
    const page = document.querySelector("main")?.clientWidth ?? innerWidth;
    if (page < SMALLEST) return;         // not laid out yet
    const isNarrow = page < NARROW, width = Math.min(page - 2 * 16, model.max_width || 640);
    const room = width - beside(model);
    const tools = model.toolbar_location !== "above" ? 0 : isNarrow ? FOLDED : TOOLS;
    let isChanged = broken(model.title, "text", "text", room - tools);
    for (const part of model.below ?? []) {
      if (/Axis$/.test(part.type) && broken(part, "axis_label", "axis_label_text", room)) isChanged = true;
      if (part.type === "Legend" && inColumns(part, room)) isChanged = true;
    }
    if (isChanged) setTimeout(() => laid(model));
  };
  // Bokeh keeps the room that the old lines took until it is told, once it has drawn the figure.
  const laid = (model, tries = 100) => {
    const view = Bokeh.index.find_one?.(model);
    if (view?.has_finished()) { wiped(view.canvas_view.primary); view.invalidate_layout(); view.request_repaint(); }
    else if (tries && model.document) setTimeout(() => laid(model, tries - 1), 50);
  };
  // Bokeh, half a pixel aside, leaves the edge of what stood there.
  const wiped = ({ctx, canvas}) => {
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.restore();
  };
  const columns = new WeakMap();
  const inColumns = (legend, room) => {
    const many = columns.get(legend) ?? legend.ncols;
    if (!(many > 1)) return false;
    columns.set(legend, many);
    const width = written(fontOf(legend, "label_text"));
    const widest = Math.max(...legend.items.map(({label}) => 30 + width(label?.value ?? "")));
    const fit = many * widest > room + 40 ? 1 : many;
    if (legend.ncols === fit) return false;
    legend.setv({ncols: fit}, {sync: false});
    return true;
  };
  const lines = new WeakMap();
  // Where labels of an axis would touch, some are left out.
  const spaced = (axis) => {
    if (axis.major_label_policy?.type === "AllLabels") {
      axis.setv({major_label_policy: new (Bokeh.Models.get("NoOverlap"))()}, {sync: false});
    }
  };
  const dressAll = (models) => {
    const tables = isDark() ? DARK : LIGHT;
    for (const model of models) {
      if (model.type === "GlyphRenderer") GLYPHS.forEach((glyph) => dress(model[glyph], tables));
      else if (/^(Label|Span)$/.test(model.type)) dress(model, tables);
      if (model.type === "Figure") named(model);
      if (/Axis$/.test(model.type)) spaced(model);
      const parts = FRAME[model.type] ?? FRAME[model.type.match(/(Axis|Grid)$/)?.[0]];
      if (parts) dressFrame(model, parts);
    }
  };
  const drawings = new Set();      // those that no selector finds
  addEventListener("picture", (event) => { drawings.add(event.detail); pictures(); });
  const pictures = () => {
    const tables = isDark() ? DARK : LIGHT;
    for (const picture of [...document.querySelectorAll("img.drawing"), ...drawings]) {
      const [head, data] = picture.src.split(",");
      const drawn = atob(data).replace(/(fill|stroke)="(#[0-9a-fA-F]{6})"/g, (whole, kind, colour) =>
        `${kind}="${tables.text[colour.toLowerCase()] ?? colour}"`);
      picture.src = `${head},${btoa(drawn)}`;
    }
  };

  const changed = () => {
    pictures();
    for (const page of window.Bokeh?.documents ?? []) dressAll(page.all_models);
  };
  system.addEventListener("change", changed);
  // Paper is white, whatever the screen wears.
  let screen = null;
  const print = (begins) => {
    if (begins === (screen !== null)) return;
    if (begins) { screen = root.dataset.theme ?? ""; root.dataset.theme = "light"; }
    else { wear(screen); screen = null; }
    changed();
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  matchMedia("print").addEventListener("change", ({matches}) => print(matches));
  let widest = 0;
  addEventListener("resize", () => {
    if (Math.abs(innerWidth - widest) > 40) { widest = innerWidth; changed(); }
  });
  addEventListener("pictured", pictures);   // drawings came while the page was open
  addEventListener("storage", (event) => {
    if (event.key === "theme") { wear(event.newValue); mark(); changed(); }
  });

  // Models are dressed before the next paint, also those that a change brings.
  const adopted = new WeakSet();
  const adopt = (page) => {
    adopted.add(page);
    let waiting = false;
    const soon = () => {
      if (waiting) return;
      waiting = true;
      queueMicrotask(() => { waiting = false; dressAll(page.all_models); });
    };
    page.on_change(soon);
    soon();
  };
  const look = () => {
    const pages = window.Bokeh?.documents ?? [];
    pages.filter((page) => !adopted.has(page)).forEach(adopt);
    if (!pages.length) requestAnimationFrame(look);
  };
  look();
  addEventListener("drawn", (event) => adopt(event.detail));   // a figure with a document of its own

  const mark = () => document.querySelectorAll("[data-wear]").forEach((button) =>
    button.setAttribute("aria-pressed", String(button.dataset.wear === (root.dataset.theme ?? ""))));
  addEventListener("DOMContentLoaded", () => {
    mark();
    pictures();
    for (const button of document.querySelectorAll("[data-wear]")) {
      button.addEventListener("click", () => {
        remember(button.dataset.wear); wear(button.dataset.wear); mark(); changed();
      });
    }
  });
})();
