// Newest answers and runs, put where the page has them. Out of sight the page asks for nothing.
export function render({model}) {
  model.on("msg:custom", ({recent, answers}) => {
    if (recent !== undefined) {
      const place = document.getElementById("recent-runs"), at = document.activeElement?.href;
      place.innerHTML = recent;
      if (at && !document.activeElement?.href) [...place.querySelectorAll("a")].find((a) => a.href === at)?.focus();
    }
    for (const [study, told] of Object.entries(answers ?? {})) {
      const tile = [...document.querySelectorAll("li.tile")].find((one) => one.dataset.study === study);
      if (!tile) continue;
      tile.querySelector(".picture").innerHTML = told.picture;
      tile.querySelector(".answer").innerHTML = told.answer;
    }
    dispatchEvent(new Event("pictured"));
  });
  const look = () => { model.seen = !document.hidden; };
  document.addEventListener("visibilitychange", look);
  model.on("remove", () => document.removeEventListener("visibilitychange", look));
  if (document.hidden) look();
  return document.createElement("div");
}
