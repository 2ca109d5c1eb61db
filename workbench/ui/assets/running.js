// Runs in progress. The server tells what happens; the seconds in between are counted here. Every
// text is set as text, so that nothing a notebook or a parameter says can become markup.
const spelled = (seconds) => {
  const whole = Math.round(seconds);
  if (whole < 90) return `${whole} s`;
  if (whole < 5400) return `${Math.round(whole / 60)} min`;
  return `${(whole / 3600).toFixed(1)} h`;
};

// How much is done: cells that ended, or, within one long cell, the time that earlier runs took.
const share = ({job, since}) => {
  const byTime = job.expected ? Math.min(0.9 * seconds({job, since}) / job.expected, 0.9) : 0;
  return job.state === "queued" ? 0 : Math.max(job.share, byTime);
};
const seconds = ({job, since}) =>
  job.state === "queued" ? 0 : job.seconds + (performance.now() - since) / 1000;

const times = (entry) => {
  const {job} = entry, gone = seconds(entry);
  if (job.state === "queued") return "";
  if (!job.expected) return spelled(gone);
  const left = job.expected - gone;
  return `${spelled(gone)}, ${left > 1 ? `about ${spelled(left)} left`
    : `longer than the usual ${spelled(job.expected)}`}`;
};

const state = ({job}) => {
  if (job.state === "queued") {
    return job.place === 1 ? "In line, next" : `In line, number ${job.place}`;
  }
  if (job.elsewhere) return "Running, started by another program";
  return job.cells ? `Cell ${job.done} of ${job.cells}: ${job.cell}` : "Starting";
};

const card = (job, cancel) => {
  const title = make(job.address ? "a" : "span", job.address ? {href: job.address} : {});
  const changed = make("span", {class: "quiet small changed"});
  const bar = make("div", {role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100"},
    make("div", {class: "fill"}));
  const where = make("span", {class: "where"}), when = make("span", {class: "quiet when"});
  const stop = make("button", {type: "button"}, "Cancel");
  const log = make("pre", {tabindex: "0"});
  const more = make("details", {class: "log"}, make("summary", {}, "Log"), log);
  stop.addEventListener("click", () => {
    stop.disabled = true;
    stop.textContent = "Stopping …";
    cancel(job.id);
  });
  const element = make("li", {class: "run"},
    make("div", {class: "head"}, make("p", {class: "name"}, title, " ", changed), stop), bar,
    make("p", {class: "now"}, where, when), more);
  return {element, title, changed, bar, where, when, stop, log, more};
};

const tick = (entry) => {
  const {job} = entry, done = Math.round(100 * share(entry)), told = times(entry);
  entry.bar.firstChild.style.width = `${done}%`;
  entry.bar.setAttribute("aria-valuenow", done);
  entry.bar.setAttribute("aria-valuetext", [state(entry), told].filter(Boolean).join(", "));
  entry.bar.classList.toggle("unknown", job.state === "running" && !job.expected && !job.cells);
  entry.when.textContent = told;
};

const update = (entry, job) => {
  entry.job = job;
  entry.since = performance.now();
  entry.title.textContent = job.title;
  entry.changed.textContent = job.changed;
  entry.bar.setAttribute("aria-label", `${job.title}, ${job.changed}`);
  entry.stop.hidden = !job.can_cancel;
  entry.stop.setAttribute("aria-label", `Cancel the run of ${job.title}, ${job.changed}`);
  entry.where.textContent = state(entry);
  const atEnd = entry.log.scrollTop + entry.log.clientHeight >= entry.log.scrollHeight - 4;
  entry.log.textContent = job.log.join("\n");
  entry.log.setAttribute("aria-label", `Log of ${job.title}`);
  entry.more.hidden = !job.log.length;
  if (atEnd) entry.log.scrollTop = entry.log.scrollHeight;
  tick(entry);
};

export function render({model}) {
  const list = make("ul", {class: "running"}), heading = make("h2", {id: "running-now"});
  const said = make("p", {class: "unseen", role: "status"});
  const frame = make("section", {"aria-labelledby": "running-now"}, heading, list);
  const entries = new Map();
  const draw = () => {
    heading.textContent = model.heading;
    frame.hidden = !model.jobs.length;
    const there = new Set(model.jobs.map((job) => job.id));
    for (const [id, entry] of entries) {
      if (there.has(id)) continue;
      said.textContent = `${entry.job.title}, ${entry.job.changed}: the run has ended.`;
      entry.element.remove();
      entries.delete(id);
    }
    model.jobs.forEach((job, place) => {
      if (!entries.has(job.id)) {
        entries.set(job.id, card(job, (id) => model.send_msg({cancel: id})));
        said.textContent = `${job.title}, ${job.changed}: the run is ${
          job.state === "queued" ? "in line" : "running"}.`;
      }
      const entry = entries.get(job.id);
      update(entry, job);
      if (list.children[place] !== entry.element) list.insertBefore(entry.element, list.children[place] ?? null);
    });
  };
  const clock = setInterval(() => { if (!document.hidden) entries.forEach(tick); }, 500);
  draw();
  model.on("jobs", draw);
  model.on("remove", () => clearInterval(clock));
  return make("div", {}, frame, said);
}
