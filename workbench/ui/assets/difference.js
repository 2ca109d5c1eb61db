// What turns one drawing into another: changes of the models that are shown, as Bokeh's own patches.
// A drawing is Bokeh's JSON. A model is written out where it is met first and named by its id
// wherever it is met again; ids are new in each drawing.
const isModel = (one) => one?.type === "object" && "id" in one;
const isPlain = (one) => one !== null && typeof one === "object" && !Array.isArray(one);

// Models of a list are alike if they are of one kind, draw one kind of glyph and bear one name.
const shape = ({name, attributes: {name: own, glyph, label} = {}}) =>
  JSON.stringify([name, own, glyph?.name, label?.value]);

// Ids come back with a drawing that is shown again, and Bokeh remembers for a while what it let go:
// what does not stay gets an id that it never had.
let made = 0;

// Lists of models that Bokeh follows; another model anywhere else is drawn anew.
const FOLLOWED = ["renderers", "items", "tools"];
const holdsModel = (one) => Array.isArray(one) ? one.some(holdsModel)
  : isPlain(one) && ("id" in one || Object.values(one).some(holdsModel));

// What a property holds of which nothing is said.
const unsaid = (kind, attr) => {
  const value = new (Bokeh.Models.get(kind))()[attr];
  if (value !== null && typeof value === "object") throw new Error(`${kind}.${attr} is no number`);
  return value;
};

class Difference {
  constructor(before, after) {
    this.ids = new Map();      // of models that stay, from after to before
    this.fresh = new Map();    // of those that do not
    this.events = [];
    this.ranges = [];
    this.isWhole = this.pair(before.doc.roots, after.doc.roots);
    this.unzoom();
    this.after = {...after, root_id: this.ids.get(after.root_id),
                  doc: {...after.doc, roots: this.written(after.doc.roots, true)}};
  }

  // Whether two values are the same but for the changes that were noted.
  pair(before, after) {
    if (isModel(before) && isModel(after)) {
      return before.name === after.name && this.models(before, after);
    }
    if (Array.isArray(before) && Array.isArray(after)) return this.lists(before, after);
    if (isPlain(before) && isPlain(after)) {
      if (isModel(before) || isModel(after)) return false;
      if ("id" in after) return this.ids.get(after.id) === before.id;
      const names = Object.keys(after);
      return names.length === Object.keys(before).length
        && names.every((name) => name in before && this.pair(before[name], after[name]));
    }
    return before === after;
  }

  models(before, after) {
    this.ids.set(after.id, before.id);
    const old = before.attributes ?? {}, now = after.attributes ?? {};
    const note = (attr, value) => this.note(before.id, attr, value);
    if (after.name === "Range1d") this.ranges.push({id: before.id, ...now});
    for (const attr of Object.keys(old)) if (!(attr in now)) note(attr, unsaid(after.name, attr));
    for (const [attr, value] of Object.entries(now)) {
      if (attr in old && this.pair(old[attr], value)) continue;
      if (holdsModel(value) && !FOLLOWED.includes(attr)) throw new Error(`another ${attr}`);
      note(attr, this.written(value));
    }
    return true;
  }

  note(id, attr, value) {
    this.events.push({kind: "ModelChanged", model: {id}, attr, new: value});
  }

  // What is zoomed into stays as a whole, where all axes are as they were, or not at all.
  unzoom() {
    const ends = ["start", "end"], ids = this.ranges.map(({id}) => id);
    if (!this.events.some(({model, attr}) => ends.includes(attr) && ids.includes(model.id))) return;
    for (const range of this.ranges) for (const end of ends) {
      if (end in range) this.note(range.id, end, range[end]);
    }
  }

  // Models of a list stay where one like them was, in the same order.
  lists(before, after) {
    let next = 0, isSame = before.length === after.length;
    after.forEach((one, at) => {
      if (!isModel(one)) {
        isSame &&= this.pair(before[at], one);
        return;
      }
      const found = before.findIndex((other, place) =>
        place >= next && isModel(other) && shape(other) === shape(one));
      if (found >= 0) {
        next = found + 1;
        this.models(before[found], one);
      }
      isSame &&= found === at;
    });
    return isSame;
  }

  // A value with the ids of models that stay; they are written out only in a whole drawing.
  written(value, isWhole = false) {
    if (Array.isArray(value)) return value.map((one) => this.written(one, isWhole));
    if (!isPlain(value)) return value;
    if ("id" in value && this.ids.has(value.id) && !isWhole) return {id: this.ids.get(value.id)};
    const copy = Object.fromEntries(Object.entries(value).map(([name, one]) =>
      [name, this.written(one, isWhole)]));
    if ("id" in value) copy.id = this.ids.get(value.id) ?? this.named(value.id);
    return copy;
  }

  named(id) {
    if (!this.fresh.has(id)) this.fresh.set(id, `${id}-${++made}`);
    return this.fresh.get(id);
  }
}

// Figures are painted once, after the last of many changes and what follows from them.
const painted = (page, change) => {
  const figures = [...page.all_models].filter((one) => one.type === "Figure");
  for (const one of figures) one.hold_render = true;
  try { change(); } finally {
    setTimeout(() => { for (const one of figures) one.hold_render = false; }, 0);
  }
};

// The drawing that is shown once a page holds another in its place; none if it must be drawn anew.
const redrawn = (page, before, after) => {
  try {
    const {events, isWhole, after: drawing} = new Difference(before, after);
    if (!isWhole) return null;
    painted(page, () => page.apply_json_patch({events}));
    return drawing;
  } catch {
    return null;
  }
};
