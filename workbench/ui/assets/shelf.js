// What can be taken away of a result: a link to it, its tables, its notebook. Files come from the
// server when they are asked for, and are handed to the visitor by this page.

const save = (data, name) => {
  const link = make("a", {download: name});
  link.href = URL.createObjectURL(new Blob([data]));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

// The address of what is shown, with what is picked on figures now.
const address = (state) => {
  const here = new URL(location.href), wanted = new URLSearchParams(state);
  if (!state) return here.href;
  for (const [name, value] of here.searchParams) {
    if (/^(pick|view)\./.test(name)) wanted.set(name, value);
  }
  here.search = `?${wanted}`;
  here.hash = "";
  return here.href;
};

const copied = async (text, field) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.focus();
    field.select();
    try { return document.execCommand("copy"); } catch { return false; }
  }
};

export function render({model}) {
  const shelf = make("section", {"aria-label": "Take away"}), waiting = new Map();
  // What is seen stands below the button that was pressed; what is heard has a place of its own.
  const told = make("p", {class: "quiet small told"});
  const heard = make("p", {role: "status", class: "heard"});
  const tell = (sentence, wrong = false) => {
    told.textContent = heard.textContent = sentence;
    told.classList.toggle("wrong", wrong);
  };
  shelf.addEventListener("click", ({target}) => {
    const line = target.closest("button")?.closest(".line, table");
    if (line) line.after(told);
  }, true);

  const ask = (kind, name, button, done) => {
    if (waiting.has(name)) return;
    waiting.set(name, {button, done});
    button.setAttribute("aria-busy", "true");
    tell(kind === "lab" ? "Writing a copy of the notebook …" : `Making ${name} …`);
    model.send_msg({kind, name});
  };
  model.on("msg:custom", ({asked, data, problem, address}) => {
    const {button, done} = waiting.get(asked) ?? {};
    waiting.delete(asked);
    button?.removeAttribute("aria-busy");
    if (problem) tell(problem, true);
    else done?.(data ?? address);
  });

  const file = (name, text, label = `Download ${name}`) => {
    const button = make("button", {type: "button", class: "take", text, "aria-label": label});
    button.addEventListener("click", () => ask("file", name, button, (data) => {
      save(data, name);
      tell(`${name} was handed to your browser's downloads.`);
    }));
    return button;
  };

  const share = ({state}) => {
    const button = make("button", {type: "button", class: "take strong", text: "Copy link"});
    const field = make("input", {
      type: "text", readonly: "", "aria-label": "Link to this result", class: "link"});
    const show = () => { field.value = address(state); };
    field.addEventListener("focus", () => { show(); field.select(); });
    button.addEventListener("click", async () => {
      show();
      tell(await copied(field.value, field) ? "The link to this result was copied."
        : "The browser does not let this page copy. The link is selected: copy it by hand.");
    });
    show();
    return make("div", {class: "line"}, button, field);
  };

  const tables = ({tables, forms, packed}) => {
    const row = (head, size, files) => make("tr", {}, make("th", {scope: "row", text: head}),
      make("td", {class: "size", text: size}),
      make("td", {}, ...files.map((name, at) => file(name, forms[at]))));
    const rows = tables.map(({name, size, files}) => row(name, size, files));
    if (packed.length) rows.push(row("all tables", "zip", packed));
    return rows.length ? [make("table", {},
      make("caption", {text: "Tables, rows × columns"}),
      make("tbody", {}, ...rows))] : [];
  };

  const lab = () => {
    const button = make("button", {type: "button", class: "take", text: "Open in JupyterLab"});
    button.addEventListener("click", () => {
      const opened = window.open("", "_blank");   // now, since later it would count as unasked
      if (opened) {
        opened.document.body.textContent = "Writing a copy of the notebook …";
        opened.opener = null;
      }
      ask("lab", "lab", button, (address) => {
        if (opened) opened.location = address;
        told.replaceChildren("A copy of the notebook was written: ",
          make("a", {href: address, target: "_blank", rel: "noopener",
                        text: "open it in JupyterLab"}), ".");
      });
    });
    return button;
  };

  const notebook = ({notebook, command, ...offer}) => {
    if (!notebook) {
      return make("p", {class: "quiet small", text: "The study has changed since this run, so "
        + "its notebook cannot be filled in with these parameters."});
    }
    const line = make("div", {class: "line"},
      file(notebook, "Notebook with these parameters"));
    if (offer.lab) line.append(lab());
    else {
      line.append(make("span", {class: "quiet small"}, "Work on it with ",
        make("code", {text: command}), "."));
    }
    return line;
  };

  const show = () => {
    const {offer} = model;
    tell("");
    if (!offer.forms) return;
    shelf.replaceChildren(
      make("h2", {text: "Take away"}), share(offer), notebook(offer), ...tables(offer),
      ...(offer.more.length ? [make("div", {class: "line"}, ...offer.more.map((name) =>
        file(name, name)))] : []), told, heard);
  };
  model.on("offer", show);
  show();
  return shelf;
}
