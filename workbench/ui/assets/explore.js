// What a page does for the parts within it, for those in a notebook: figures wear the theme of the
// notebook, and what Bokeh builds adopts the sheet of the pages. Runs once in each window.
(() => {
  const NAME = "workbench-explore", body = document.body;
  const sheet = new CSSStyleSheet();
  // A notebook is narrow, has no address to share, and is the lab that a page would lead to.
  sheet.replaceSync(@SHADOW@ + `
    td.range { white-space: normal !important; text-align: left !important; }
    section[aria-label="Take away"] :is(.line:has(> .link), .line > span:has(code)) { display: none; }`);

  const isDark = () => body.dataset.jpThemeLight === "false" || body.matches(".vscode-dark");
  const wear = () => dispatchEvent(new StorageEvent("storage", {
    key: "theme", newValue: isDark() ? "dark" : "light"}));
  new MutationObserver(wear).observe(body, {
    attributeFilter: ["data-jp-theme-light", "class"]});
  // A page in another tab tells its own theme to all windows; here the notebook's holds.
  addEventListener("storage", (event) => { if (event.isTrusted && event.key === "theme") wear(); });
  wear();

  const dressed = new WeakSet();
  const dress = (root) => {
    if (dressed.has(root)) return;
    dressed.add(root);
    root.adoptedStyleSheets = [sheet, ...root.adoptedStyleSheets];
    new MutationObserver(() => search(root)).observe(root, {childList: true, subtree: true});
    search(root);
  };
  const search = (root) => {
    for (const part of root.querySelectorAll("*")) if (part.shadowRoot) dress(part.shadowRoot);
  };
  const look = () => {
    for (const part of document.querySelectorAll(`.${NAME}`)) {
      if (part.shadowRoot) dress(part.shadowRoot);
    }
  };
  new MutationObserver(look).observe(body, {childList: true, subtree: true});
  look();
})();
