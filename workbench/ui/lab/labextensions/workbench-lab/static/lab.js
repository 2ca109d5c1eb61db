// Cards in JupyterLab's launcher: one opens a copy of each study's notebook, one the pages.
//
// Written by hand as the container that Lab expects of a built extension, so that nothing has to
// be built: Lab hands over what it shares, and asks for the module "./extension".
(() => {
  const CATEGORY = "Workbench";
  let shared = null;

  // A library of Lab itself, in the version that Lab runs.
  const library = async (name) => {
    const [offer] = Object.values(shared[name] ?? {});
    if (!offer) throw new Error(`JupyterLab does not share ${name}.`);
    return (await offer.get())();
  };

  const drawing = (inner) => `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
    ${inner}</svg>`;
  // Bars against the grey line of equal weights: what every study is about.
  const STUDY = drawing(`<g fill="#0072B2"><rect x="3" y="14" width="4" height="7" rx="1"/>
    <rect x="10" y="4" width="4" height="17" rx="1"/><rect x="17" y="9" width="4" height="12" rx="1"/></g>
    <path d="M2 12.5H22" stroke="#767676" stroke-width="1.6" stroke-dasharray="3 2"/>`);
  const PAGES = drawing(`<rect x="2.5" y="4" width="19" height="16" rx="2" fill="none"
    stroke="#0072B2" stroke-width="1.8"/><path d="M3 8.5H21" stroke="#0072B2" stroke-width="1.8"/>
    <path d="M6 16.5l4-4 3 2.5 5-4.5" fill="none" stroke="#E69F00" stroke-width="1.8"/>`);

  const plugin = ({PageConfig, URLExt}, {ServerConnection}, {LabIcon}, widgets, tokens) => {
    const {MainAreaWidget, IFrame, WidgetTracker, showErrorMessage} = widgets;
    const {ILauncher, ICommandPalette, IThemeManager, ILayoutRestorer} = tokens;
    const told = JSON.parse(PageConfig.getOption("workbenchStudies") || "[]");
    const at = (...parts) => URLExt.join(PageConfig.getBaseUrl(), "workbench", ...parts);
    const icons = {
      study: new LabIcon({name: "workbench:study", svgstr: STUDY}),
      pages: new LabIcon({name: "workbench:pages", svgstr: PAGES})};

    // Path of a fresh or known copy of a study's notebook.
    const copy = async (study) => {
      const settings = ServerConnection.makeSettings();
      const answer = await ServerConnection.makeRequest(
        at("copies", encodeURIComponent(study)), {method: "POST"}, settings);
      const {path, message} = await answer.json();
      if (!answer.ok) throw new Error(message);
      return path;
    };

    // Lab shows its own documents itself, also where a page in a tab would open them in another.
    const ours = (address) => {
      const url = new URL(address, location.href), lab = URLExt.join(PageConfig.getBaseUrl(), "lab/tree/");
      return url.origin === location.origin && url.pathname.startsWith(new URL(lab, location.href).pathname)
        ? decodeURIComponent(url.pathname.slice(new URL(lab, location.href).pathname.length)) : null;
    };
    const adopt = (commands, frame) => {
      const page = frame.contentWindow, original = page.open.bind(page);
      const open = (path) => commands.execute("docmanager:open", {path});
      page.open = (address = "", ...more) => {
        if (address) {
          const path = ours(new URL(address, page.location.href));
          return path === null ? original(address, ...more) : (open(path), null);
        }
        // The page knows the address later: only then is it known who shows it.
        const later = {opener: null, close() {}};
        Object.defineProperty(later, "location", {set: (told) => {
          const path = ours(new URL(told, page.location.href));
          path === null ? original(told, "_blank", "noopener") : open(path);
        }});
        return later;
      };
      page.document.addEventListener("click", (event) => {
        const link = event.composedPath().find((one) => one.tagName === "A" && one.href);
        const path = link ? ours(link.href) : null;
        if (path === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(path);
      }, true);
    };

    // The pages wear what Lab wears, unless the visitor has chosen for them.
    const wear = (themes, frame) => {
      const page = frame.contentWindow;
      let chosen = null;
      try { chosen = page?.localStorage.getItem("theme"); } catch { return; }
      if (!page || chosen || !themes?.theme) return;
      const theme = themes.isLight(themes.theme) ? "light" : "dark";
      page.dispatchEvent(new page.StorageEvent("storage", {key: "theme", newValue: theme}));
    };

    const frameOf = (commands, themes) => {
      const content = new IFrame({sandbox: ["allow-same-origin", "allow-scripts", "allow-popups",
        "allow-forms", "allow-downloads", "allow-modals"]});
      const frame = content.node.querySelector("iframe");
      frame.title = "Workbench pages";
      const waiting = document.createElement("p");
      waiting.textContent = "Starting the pages …";
      waiting.setAttribute("role", "status");
      waiting.style.cssText = "position: absolute; inset: 0; display: grid; place-items: center;"
        + " margin: 0; background: var(--jp-layout-color0); color: var(--jp-ui-font-color1)";
      content.node.append(waiting);
      frame.addEventListener("load", () => {
        if (!frame.contentWindow || frame.contentWindow.location.href === "about:blank") return;
        waiting.remove();
        adopt(commands, frame);
        wear(themes, frame);
      });
      themes?.themeChanged.connect(() => wear(themes, frame));
      content.url = at("pages/");
      return content;
    };

    const activate = (app, launcher, palette, themes, restorer) => {
      const {commands, shell} = app, tracker = new WidgetTracker({namespace: "workbench"});
      commands.addCommand("workbench:study", {
        label: ({title}) => title ?? "Study",
        caption: ({question}) => question ?? "Open a copy of the notebook of a study",
        icon: icons.study,
        execute: async ({study, title}) => {
          try {
            return await commands.execute("docmanager:open", {path: await copy(study)});
          } catch (problem) {
            await showErrorMessage(`${title ?? study} cannot be opened`, problem);
          }
        }});
      commands.addCommand("workbench:pages", {
        label: "Workbench pages",
        caption: "All studies, saved runs and comparisons, in a tab",
        icon: icons.pages,
        execute: () => {
          let page = tracker.find(() => true);
          if (!page) {
            page = new MainAreaWidget({content: frameOf(commands, themes)});
            page.id = "workbench-pages";
            Object.assign(page.title, {label: "Workbench", icon: icons.pages, closable: true});
            tracker.add(page);
          }
          if (!page.isAttached) shell.add(page, "main");
          shell.activateById(page.id);
          return page;
        }});
      restorer?.restore(tracker, {command: "workbench:pages", name: () => "pages"});

      // Links of our notebooks that no file stands behind: #workbench:pages, #workbench:<study>.
      document.addEventListener("click", (event) => {
        const link = event.composedPath().find((one) => one.tagName === "A");
        const [, name] = link?.getAttribute("href")?.match(/^#workbench:(\w+)$/) ?? [];
        const study = told.find((each) => each.study.endsWith(`.${name}`));
        if (name !== "pages" && !study) return;
        event.preventDefault();
        event.stopPropagation();
        commands.execute(study ? "workbench:study" : "workbench:pages", study ?? {});
      }, true);
      // Beside the welcome notebook stand all notebooks, not only copies.
      const [, folder] = PageConfig.getOption("treePath").match(/^(.+)\/copies\/welcome-/) ?? [];
      if (folder) {
        const opened = (_, {newValue}) => {
          if (!newValue) return;
          shell.currentChanged.disconnect(opened);
          app.restored.then(() => commands.execute("filebrowser:go-to-path", {path: folder}));
        };
        shell.currentChanged?.connect(opened);
      }

      const cards = [{command: "workbench:pages"}, ...told.map((args) =>
        ({command: "workbench:study", args}))];
      cards.forEach((card, rank) => {
        launcher?.add({...card, category: CATEGORY, rank});
        palette?.addItem({...card, category: CATEGORY});
      });
    };
    return {id: "workbench-lab:cards", autoStart: true, requires: [], activate,
            optional: [ILauncher, ICommandPalette, IThemeManager, ILayoutRestorer]};
  };

  const load = async () => {
    const [coreutils, services, components, apputils, launcher, application] = await Promise.all(
      ["coreutils", "services", "ui-components", "apputils", "launcher", "application"].map(
        (name) => library(`@jupyterlab/${name}`)));
    const made = plugin(coreutils, services, components, apputils,
                        {...apputils, ...launcher, ...application});
    return () => ({__esModule: true, default: made});
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["workbench-lab"] = {
    init: (scope) => { shared = scope; },
    get: (name) => name === "./extension" ? load()
      : Promise.reject(new Error(`workbench-lab has no module ${name}.`)),
  };
})();
