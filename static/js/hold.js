// Beside the time until which things are held: how many minutes are left. Counted from the seconds that the server gave,
// so a wrong clock in the browser does not matter; the element is hidden from screen readers, which have the time.
let ends;

function tick() {
  const place = document.querySelector("[data-hold]");
  if (!place) return;
  const minutes = Math.floor((ends - performance.now()) / 60000);
  const { many, one, last } = place.dataset;
  const words = minutes > 1 ? many.replace("#", minutes) : minutes === 1 ? one : last;
  place.textContent = ends > performance.now() ? " · " + words : "";
}

// Each answer brings the seconds anew.
function read() {
  const left = document.querySelector("[data-hold]")?.dataset.hold;
  if (left) ends = performance.now() + left * 1000;
  tick();
}

read();
addEventListener("htmx:after:swap", read);
setInterval(tick, 5000);
