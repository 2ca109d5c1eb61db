// The page's own script: the code toggle, and a sandboxed frame for each output that runs.
(() => {
  const button = document.getElementById("code-toggle");
  button?.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(open));
    button.textContent = open ? "Hide code" : "Show code";
    document.querySelectorAll("details.code").forEach((each) => { each.open = open; });
  });

  const TALLEST = 8000, CHANGES = 500;
  const root = document.documentElement;
  const content = document.querySelector("script#frames");
  const frames = new Map();
  const settle = () => { if ([...frames.values()].every((each) => each.ready)) root.dataset.ready = "yes"; };
  const libraries = () => [...document.querySelectorAll("script.library")].map(
    (each) => JSON.parse(each.textContent)).concat(Object.values(window.libraries ?? {}));
  addEventListener("message", ({ source, data }) => {
    const known = frames.get(source), height = Number(data?.height);
    if (!known || !Number.isFinite(height)) return;  // nothing else that a frame says is heard
    known.changes += 1;
    if (known.changes < CHANGES) known.frame.style.height = `${Math.min(Math.max(height, 0), TALLEST)}px`;
    if (data.ready === true) { known.ready = true; settle(); }
  });
  if (content) {
    const { page, outputs } = JSON.parse(content.textContent), sources = libraries();
    for (const frame of document.querySelectorAll("iframe[data-output]")) {
      const { markup, uses } = outputs[Number(frame.dataset.output)];
      frame.addEventListener("load", () => {
        frames.set(frame.contentWindow, { frame, changes: 0, ready: false });
        frame.contentWindow.postMessage({ markup, libraries: uses ? sources : [] }, "*");
      }, { once: true });
      frame.srcdoc = page;
    }
  } else root.dataset.ready = "yes";
})();
