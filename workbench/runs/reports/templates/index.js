// Draws the runs in slices. Every text goes through textContent, so none can become markup.
(() => {
  const SLICE = 50, REPORT = 1, THUMBNAIL = 2;
  const { words, runs } = JSON.parse(document.querySelector("script#runs").textContent);
  const all = runs.map(([id, study, title, state, started, seconds, error, changes, numbers, files]) => (
    { id, study: words[study], title: words[title], state: words[state], started, seconds, error, changes, numbers, files }));
  const found = (id) => document.getElementById(id);
  const list = found("list"), more = found("more"), count = found("count");
  const study = found("study"), state = found("state"), sought = found("words");
  const ages = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
  let fitting = all, drawn = 0;

  const element = (kind, className, text) => {
    const made = document.createElement(kind);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const age = (started) => {
    const seconds = (Date.now() - Date.parse(started)) / 1000;
    const unit = UNITS.find(([, length]) => seconds >= length);
    return unit ? ages.format(-Math.floor(seconds / unit[1]), unit[0]) : "just now";
  };
  const duration = (seconds) => {
    if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds), hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
  };
  const address = (run, file) => `${encodeURIComponent(run.id)}/${file}`;
  const heading = (run) => {
    const made = element("h2"), text = run.title || run.id;
    if (!(run.files & REPORT)) { made.textContent = text; return made; }
    const link = element("a", "", text);
    link.href = address(run, "report.html");
    made.append(link);
    return made;
  };
  const meta = (run) => {
    const made = element("p", "meta");
    if (run.study) made.append(run.study, " · ");
    if (run.started) {
      const time = element("time", "", age(run.started));
      time.dateTime = run.started;
      time.title = run.started.slice(0, 16).replace("T", " ") + " UTC";
      made.append(time, " · ");
    }
    made.append(element("span", `state ${run.state}`, run.state));
    if (run.seconds !== null) made.append(` in ${duration(run.seconds)}`);
    return made;
  };
  const table = (numbers) => {
    const made = element("table", "headline small"), body = made.appendChild(element("tbody"));
    for (const [name, number, range] of numbers) {
      const row = body.appendChild(element("tr")), head = element("th", "", words[name]);
      head.scope = "row";
      row.append(head, element("td", "number", number), element("td", "range", range));
    }
    return made;
  };
  const item = (run) => {
    const made = element("li", `run ${run.state}`), picture = element("div", "picture"), facts = element("div", "facts");
    if (run.files & THUMBNAIL) {
      const image = element("img");
      image.loading = "lazy";  // before the source, else it is fetched at once
      image.alt = "";
      image.width = 640;
      image.height = 360;
      image.src = address(run, "thumbnail.svg");
      picture.append(image);
    }
    facts.append(heading(run), meta(run));
    if (run.error) facts.append(element("p", "cause", run.error));
    if (run.changes.length) {
      const changes = facts.appendChild(element("p", "changes"));
      for (const [name, value] of run.changes) changes.append(element("code", "", `${words[name]} = ${value}`), " ");
    }
    if (run.numbers.length) facts.append(table(run.numbers));
    made.append(picture, facts);
    return made;
  };
  const draw = () => {
    list.append(...fitting.slice(drawn, drawn + SLICE).map(item));
    drawn = Math.min(drawn + SLICE, fitting.length);
    more.hidden = drawn === fitting.length;
    more.textContent = `Show more (${fitting.length - drawn} left)`;
  };
  const parted = (text) => text.toLowerCase().replace(/\s*=\s*/g, "=");  // "n = 7" is one word
  const text = (run) => run.text ??= parted([run.id, run.study, run.title, run.state, run.started, run.error,
    ...run.changes.map(([name, value]) => `${words[name]} = ${value}`),
    ...run.numbers.map(([name, number, range]) => `${words[name]} ${number} ${range}`)].join(" "));
  const filter = () => {
    const wanted = parted(sought.value).split(/\s+/).filter(Boolean);
    fitting = all.filter((run) => (!study.value || run.study === study.value)
      && (!state.value || run.state === state.value)
      && wanted.every((word) => text(run).includes(word)));
    count.textContent = fitting.length === all.length ? `${all.length} runs` : `${fitting.length} of ${all.length} runs`;
    list.replaceChildren();
    drawn = 0;
    draw();
  };
  const offer = (select, values) => {
    const counts = new Map();
    for (const value of values) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    for (const [value, number] of [...counts].sort()) {
      const option = element("option", "", `${value} (${number})`);
      option.value = value;
      select.append(option);
    }
  };
  if (sought) {
    offer(study, all.map((run) => run.study));
    offer(state, all.map((run) => run.state));
    for (const control of [study, state, sought]) control.addEventListener("input", filter);
    sought.form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  } else draw();
  more.addEventListener("click", draw);
  document.documentElement.dataset.ready = "yes";
})();
