// Reloads the page when something was saved. Styles alone are exchanged under it, which keeps what is typed and open.
const shown = new URL(import.meta.url).searchParams.get("page");
const pause = (time) => new Promise((done) => setTimeout(done, time));
const named = (link) => new URL(link.href).pathname.match(/^\/static\/(.+)\.[0-9a-f]{12}\.css$/)?.[1] + ".css";
let away = false;

function exchange(styles) {
  for (const old of document.querySelectorAll("link[rel=stylesheet]:not([data-old])")) {
    const url = styles[named(old)];
    if (!url || old.getAttribute("href") === url) continue;
    const link = old.cloneNode();
    link.href = url;
    link.onload = () => old.remove();
    link.onerror = () => link.remove();
    old.dataset.old = "";
    old.after(link);
  }
}

async function look() {
  // A page that nobody sees can wait.
  if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
  try {
    const saved = await (await fetch("/_live", { cache: "no-store" })).json();
    // The shop was away and is back: it may be another one.
    if (away || String(saved.page) !== shown) return location.reload();
    exchange(saved.styles);
    await pause(400);
  } catch {
    away = true;
    await pause(2000);
  }
  look();
}
look();
