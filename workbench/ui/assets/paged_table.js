// A table of any length, of which the server sends a page at a time. Texts are texts, never HTML.
const made = (tag, values = {}, ...inner) => {
  const node = Object.assign(document.createElement(tag), values);
  node.append(...inner);
  return node;
};

const PAUSE = 150;       // milliseconds without a key before a search is told

export function render({model}) {
  const tell = (told) => model.send_msg(told);
  const search = made("input", {type: "search", className: "search", autocomplete: "off"});
  const told = made("p", {className: "quiet small told"});
  told.setAttribute("role", "status");
  const head = made("tr"), body = made("tbody");
  const table = made("table", {}, made("thead", {}, head), body);
  const scroll = made("div", {className: "scroll", tabIndex: 0}, table);
  scroll.setAttribute("role", "region");
  const back = made("button", {type: "button", textContent: "Previous", onclick: () => turn(-1)});
  const next = made("button", {type: "button", textContent: "Next", onclick: () => turn(1)});
  const place = made("span", {className: "quiet small"});
  const pager = made("nav", {className: "pager"}, back, place, next);
  pager.setAttribute("aria-label", "Pages of the table");
  const frame = made("div", {className: "paged"}, search, told, scroll, pager);

  let waiting = null;
  const turn = (by) => tell({kind: "page", at: model.at + by});
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => tell({kind: "search", text: search.value}), PAUSE);
  });

  const marker = (row) => {
    const box = made("input", {type: "checkbox", checked: row.marked, disabled: row.shut});
    box.setAttribute("aria-label", row.name);
    box.dataset.row = row.id;
    box.addEventListener("change", () => tell({kind: "mark", row: row.id, on: box.checked}));
    return box;
  };
  const cell = (content, at) => {
    const made_cell = document.createElement(at === model.heading ? "th" : "td");
    if (at === model.heading) made_cell.scope = "row";
    if (model.columns[at]?.number) made_cell.className = "figure";
    made_cell.dataset.column = model.columns[at]?.name ?? "";
    const {text, href} = typeof content === "string" ? {text: content} : content;
    made_cell.append(href ? made("a", {href, textContent: text}) : text);
    return made_cell;
  };
  const heads = () => {
    const cells = model.columns.map(({name, number}) => {
      const th = made("th", {scope: "col", className: number ? "figure" : ""});
      if (!model.sorts) { th.append(name); return th; }
      const order = model.order[0] === name ? (model.order[1] ? "descending" : "ascending") : "none";
      th.setAttribute("aria-sort", order);
      const arrow = {none: "", ascending: " \u2191", descending: " \u2193"}[order];
      th.append(made("button", {type: "button", className: "sort", textContent: name + arrow,
                                onclick: () => tell({kind: "sort", column: name})}));
      th.firstChild.dataset.row = `head ${name}`;
      return th;
    });
    if (model.marks) cells.unshift(made("th", {scope: "col", textContent: model.marks}));
    head.replaceChildren(...cells);
  };
  const rows = () => {
    body.replaceChildren(...model.rows.map((row) => made("tr", {className: row.marked ? "marked" : ""},
      ...(model.marks ? [made("td", {className: "mark"}, marker(row))] : []),
      ...row.cells.map(cell))));
    scroll.hidden = !model.rows.length;
  };
  // What had the focus keeps it, also when its row is drawn anew.
  const redraw = () => {
    const held = frame.getRootNode().activeElement?.dataset?.row;
    heads();
    rows();
    told.textContent = model.told;
    place.textContent = `${model.at + 1} of ${model.pages}`;
    back.disabled = model.at <= 0;
    next.disabled = model.at + 1 >= model.pages;
    pager.hidden = model.pages < 2;
    search.hidden = !model.searched;
    search.placeholder = model.searched;
    search.setAttribute("aria-label", model.searched);
    scroll.setAttribute("aria-label", model.label);
    if (held) [...frame.querySelectorAll("[data-row]")].find((one) => one.dataset.row === held)?.focus();
  };
  search.value = model.query;
  redraw();
  model.on("drawn", redraw);
  return frame;
}
