// Says that a notebook shows this and hears what the kernel sends, until the kernel has heard it.
// What is sent before is lost.
export function render({model}) {
  let left = 600;
  const asking = setInterval(() => {
    if (left-- > 0) model.send_msg("here"); else clearInterval(asking);
  }, 250);
  model.on("msg:custom", () => clearInterval(asking));
  model.on("remove", () => clearInterval(asking));
}
