// What Bokeh builds lies in shadow roots, where no style sheet and no label of the page reaches.
// Each root adopts one sheet as it is made, and controls that appear in it without a name for
// those who do not see the page are named by the text beside them.
(() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(@SHADOW@);

  const inside = (root, selector) => {           // the first in a root, or in the roots within it
    const found = root.querySelector?.(selector);
    if (found) return found;
    for (const child of root.querySelectorAll?.("*") ?? []) {
      const deeper = child.shadowRoot && inside(child.shadowRoot, selector);
      if (deeper) return deeper;
    }
    return null;
  };
  // What belongs to a control: in its own root, or in the part of the page that holds it.
  const near = (control, selector) => {
    let root = control.getRootNode();
    const found = inside(root, selector);
    while (!found && root.host && !root.host.matches(".control")) root = root.host.getRootNode();
    return found ?? (root.host ? inside(root, selector) : null);
  };
  const words = (element) => (element?.shadowRoot ? [...element.shadowRoot.children]
    .filter((child) => child.tagName !== "STYLE" && child.tagName !== "LINK") : [element])
    .map((child) => child?.textContent ?? "").join(" ").replace(/\s+/g, " ").trim();
  const own = (root) => [...root.querySelectorAll("label[for], .bk-label, .bk-slider-title")]
    .map(words).find(Boolean);
  const called = (control) => own(control.getRootNode()) ||
    words(near(control, ".name")).replace(/:$/, "");

  const END = {0: "from", 1: "to"};
  const NAMED = {
    ".noUi-handle": (handle, name) => {
      const ends = handle.closest(".noUi-base")?.querySelectorAll(".noUi-handle").length;
      const told = name.replace(/:.*/s, "");
      return ends > 1 ? `${told}, ${END[handle.dataset.handle]}` : told;
    },
    ".bk-spin-btn-up": (_, name) => `More ${name}`,
    ".bk-spin-btn-down": (_, name) => `Less ${name}`,
    ".bk-input:is(input, select, textarea)": (_, name) => name,
    "input:is([type=checkbox], [type=radio])": (_, name) => name,
  };
  const isNamed = (control) => control.hasAttribute("aria-label") || control.closest("label") ||
    (control.id === "input" && words(control.getRootNode().querySelector("label[for=input]")));

  let waiting = new Set(), due = false;
  const name = () => {
    due = false;
    const still = new Set();
    for (const [control, told] of waiting) {
      if (!control.isConnected || isNamed(control)) continue;
      const found = called(control);
      if (found) control.setAttribute("aria-label", told(control, found));
      else still.add([control, told]);
    }
    waiting = still;
  };
  const met = (element) => {
    for (const [selector, told] of Object.entries(NAMED)) {
      for (const control of [element, ...element.querySelectorAll(selector)]) {
        if (control.matches(selector)) waiting.add([control, told]);
      }
    }
    for (const part of [element, ...element.querySelectorAll("*")]) {
      if (part.matches(".bk-spin-btn")) part.tabIndex = -1;          // arrow keys do the same
      if (part.matches(".bk-events")) part.tabIndex = -1;            // nothing listens to keys
      if (part.matches(".bk-tool-icon")) tool(part.getRootNode().host);
      if (part.matches("img.drawing")) dispatchEvent(new CustomEvent("picture", {detail: part}));
    }
  };
  const tool = (button) => {
    if (!button?.title) return;
    button.setAttribute("role", "button");
    button.setAttribute("aria-label", button.title);
  };
  const observer = new MutationObserver((changes) => {
    for (const {addedNodes} of changes) {
      for (const node of addedNodes) if (node.nodeType === 1) met(node);
    }
    if (waiting.size && !due) { due = true; requestAnimationFrame(name); }
  });

  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    observer.observe(root, {childList: true, subtree: true});
    return root;
  };

  // The explanation of a control is open while the keyboard is on it.
  let byKeyboard = false, open = null;
  const tell = (kind) => open?.dispatchEvent(new MouseEvent(kind));
  addEventListener("keydown", (event) => {
    byKeyboard = event.key === "Tab";
    if (event.key === "Escape") { tell("mouseleave"); open = null; }
  }, true);
  addEventListener("pointerdown", () => { byKeyboard = false; }, true);
  addEventListener("focusin", (event) => {
    tell("mouseleave");
    const control = event.composedPath()[0];
    open = byKeyboard && control.matches?.("input, select, textarea, .noUi-handle")
      ? near(control, ".bk-description") : null;
    tell("mouseenter");
  }, true);
})();
