// A place for an own file: chosen or dropped, sent to the server of this page, and told how far.
const size = (bytes) => bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MiB`
  : bytes >= 1024 ? `${Math.round(bytes / 1024)} KiB` : `${bytes} bytes`;
const NO_ANSWER = "The server did not take the file. Reload the page, and sign in again if it asks.";

// Send a file; `far` hears the share that is sent, and the answer is what the route said.
const send = (route, file, far) => {
  const request = new XMLHttpRequest();
  const answer = new Promise((done) => {
    request.upload.addEventListener("progress", ({loaded, total}) => far(loaded / total));
    request.addEventListener("load", () => {
      try { done(JSON.parse(request.responseText)); } catch { done({problem: NO_ANSWER}); }
    });
    request.addEventListener("error", () => done({problem: NO_ANSWER}));
    request.addEventListener("timeout", () => done({problem: NO_ANSWER}));
    request.addEventListener("abort", () => done({}));
  });
  request.open("POST", `${route}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
  return {answer, stop: () => request.abort()};
};

export function render({model}) {
  const {what, endings, route, limit} = model.about;
  const most = size(limit).replace(".0", "");
  const input = make("input", {type: "file", accept: endings.map((end) =>
    end.replace(/^\.\w+(?=\.)/, "")).join(","), "aria-label": `Choose ${what}`});
  const zone = make("label", {class: "zone"},
    make("span", {text: `Drop ${what} here, or choose it.`}), input);
  const bar = make("progress", {max: "1", value: "0", hidden: "", "aria-label": "Sent"});
  const stop = make("button", {type: "button", text: "Stop", hidden: ""});
  const told = make("p", {class: "small told", role: "status"});
  const section = make("details", {}, make("summary", {text: "Own data"}), zone, bar, stop,
    make("p", {class: "quiet small", text: `At most ${most}; ${endings.join(", ")}. The file `
      + "goes to the machine that serves this page and nowhere else."}), told);
  let sending = null;

  const tell = (sentence, wrong = false) => {
    told.textContent = sentence;
    told.classList.toggle("wrong", wrong);
    if (sentence) section.open = true;
  };
  const take = async (file) => {
    sending?.stop();
    if (!endings.some((end) => file.name.toLowerCase().endsWith(end))) {
      return tell(`This study takes files that end in ${endings.join(", ")}, not ${file.name}.`, true);
    }
    if (file.size > limit) {
      return tell(`${file.name} has ${size(file.size)}, and at most ${most} are taken. Give a part `
        + "of it, or save it as Parquet or .csv.gz, which are smaller.", true);
    }
    const mine = sending = send(route, file, (share) => { bar.value = share; });
    bar.hidden = stop.hidden = false;
    bar.value = 0;
    tell(`Sending ${file.name}, ${size(file.size)} …`);
    const {file: found, problem} = await mine.answer;
    if (mine !== sending) return;
    sending = null;
    bar.hidden = stop.hidden = true;
    if (problem) tell(problem, true);
    else if (found) model.send_msg({kind: "given", file: found});
    else tell("");
  };

  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
    input.value = "";                        // so that the same file can be chosen again
  });
  stop.addEventListener("click", () => sending?.stop());
  const over = (is) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", is);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    const files = event.dataTransfer?.files ?? [];
    if (files.length > 1) tell("Give one file at a time.", true);
    else if (files.length) take(files[0]);
  });
  // A file that misses the zone must not replace the page.
  const keep = (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); };
  const misses = ["dragover", "drop"];
  for (const name of misses) addEventListener(name, keep);
  model.on("remove", () => { for (const name of misses) removeEventListener(name, keep); });

  const show = () => sending || tell(model.told, model.wrong);
  model.on("told", show);
  model.on("wrong", show);
  // On a phone the file's columns are chosen further down.
  model.on("ready", () => {
    if (model.ready && matchMedia("(max-width: 860px)").matches) {
      document.querySelector('section[aria-label="Result"]')?.scrollIntoView({behavior: "smooth"});
    }
  });
  show();
  return section;
}
