// Search and filter of the studies: in the browser, at each letter, kept in the address.
(() => {
  const tiles = [...document.querySelectorAll("li.tile")].map((element) => {
    const {words, params} = JSON.parse(element.dataset.searched);
    return {element, kind: element.dataset.kind, why: element.querySelector(".why"),
            words: folded(words), params: Object.entries(params).map(([name, told]) => [name, folded(told)])};
  });
  const box = document.getElementById("search"), count = document.getElementById("found");
  const nothing = document.getElementById("nothing"), sought = document.getElementById("sought");
  const kinds = [...document.querySelectorAll("[data-weighs]")];
  let kind = "";

  // Letters as they are compared: without accents and case.
  function folded(text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  }

  // A tile fits when each word stands in its own texts or in one and the same parameter's.
  const fits = (tile, wanted) => {
    if (kind && tile.kind !== kind) return null;
    const missing = wanted.filter((word) => !tile.words.includes(word));
    if (!missing.length) return "";
    const found = tile.params.find(([, told]) => missing.every((word) => told.includes(word)));
    return found ? found[0] : null;
  };

  const draw = () => {
    const wanted = folded(box.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const tile of tiles) {
      const parameter = fits(tile, wanted);
      tile.element.hidden = parameter === null;
      tile.why.hidden = !parameter;
      tile.why.textContent = parameter ? `Found in its parameter ${parameter}` : "";
      if (parameter !== null) shown++;
    }
    const all = shown === tiles.length;
    count.textContent = all ? `${shown} ${shown === 1 ? "study" : "studies"}` : `${shown} of ${tiles.length} studies`;
    nothing.hidden = shown > 0 || !tiles.length;
    const named = kinds.find((button) => button.dataset.weighs === kind)?.dataset.words;
    sought.textContent = [box.value.trim() && `“${box.value.trim()}”`, kind && `weighs ${named}`].filter(Boolean).join(" and ");
    for (const button of kinds) button.setAttribute("aria-pressed", String(button.dataset.weighs === kind));
  };
  const tell = () => {
    const address = new URL(location.href);
    for (const [name, value] of [["q", box.value.trim()], ["weighs", kind]]) {
      if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
    }
    history.replaceState(history.state, "", address);
  };
  const changed = () => { draw(); tell(); };

  const asked = new URL(location.href).searchParams;
  box.value = asked.get("q") ?? "";
  kind = kinds.some((button) => button.dataset.weighs === asked.get("weighs")) ? asked.get("weighs") : "";
  draw();
  box.addEventListener("input", changed);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && box.value) { event.preventDefault(); box.value = ""; changed(); }
    if (event.key === "Enter") tiles.find((tile) => !tile.element.hidden)?.element.querySelector("a").click();
  });
  for (const button of kinds) button.addEventListener("click", () => { kind = button.dataset.weighs; changed(); });
  document.getElementById("clear").addEventListener("click", () => { box.value = ""; kind = ""; changed(); box.focus(); });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
    }
  });
})();
