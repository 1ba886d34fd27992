// What HTML and htmx cannot do alone.
const byId = (id) => document.getElementById(id);
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
const drawer = byId("cart-drawer");
const noticeBar = () => (drawer?.open ? drawer.querySelector("[data-notice]") : byId("notice"));

// After Back a page may be older than the cart; the cookie is not.
function syncBadge() {
  const badge = byId("cart-badge");
  const count = document.cookie.match(/\bcart_n=(\d+)/)?.[1];
  if (!badge || !count || count === badge.dataset.count) return;
  badge.dataset.count = count;
  badge.ariaLabel = badge.dataset.words.split("|").at(count > 1 ? 2 : count).replace("#", count);
  badge.querySelector(".cart-badge-count").textContent = +count || "";
}

// Disabling a button would lose the focus.
function busy(form, on) {
  if (!form.matches("[data-once]")) return;
  form.ariaBusy = on;
  form.querySelectorAll(".button").forEach((button) => (button.ariaDisabled = on));
}

addEventListener("pageshow", (event) => {
  syncBadge();
  if (!event.persisted) return;
  drawer?.close();
  each("[data-once]", (form) => busy(form, false));
  each(".htmx-request", (element) => element.classList.remove("htmx-request"));
});
addEventListener("visibilitychange", syncBadge);

// The same once more. What was typed already is no news to htmx.
function again() {
  const { sourceElement, sourceEvent: event } = failed;
  hush();
  focused.focus();
  event.type === "input" ? htmx.trigger(sourceElement, "again") : event.target.dispatchEvent(new event.constructor(event.type, event));
}

let failed, focused;
function hush() {
  failed = null;
  each("#notice [data-kind=error], [data-notice] > *", (notice) => notice.remove());
}

// An answer waits while the mouse is pressed: were the page to move under it, the press would do nothing.
let lifted, lift;
addEventListener("mousedown", () => (lifted = new Promise((done) => setTimeout((lift = done), 1000))));
addEventListener("mouseup", () => setTimeout(() => lift?.()));

addEventListener("click", (event) => {
  if (event.target.matches("[data-again]")) again();
  const badge = event.target.closest("#cart-badge");
  if (!badge || !drawer || event.ctrlKey || event.metaKey || event.shiftKey || !matchMedia("(min-width: 48rem)").matches) return;
  event.preventDefault();
  drawer.open || drawer.showModal();
  htmx.ajax("GET", badge.href, { source: "#cart", target: "#cart", swap: "outerMorph", event });
});
drawer?.addEventListener("close", () => byId("cart-badge").focus());

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !event.target.closest(".site-search")) return;
  byId("suggestions").replaceChildren();
  byId("site-q").focus();
});

addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const { sourceElement: source, sourceEvent } = ctx;
  // Who empties a quantity is about to type another.
  if (source.ariaBusy === "true" || (sourceEvent?.type === "input" && sourceEvent.target.value < sourceEvent.target.min)) return event.preventDefault();
  busy(source, true);
  ctx.fetch = (...asked) => fetch(...asked).finally(() => lifted);
});

addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  // On the way to another page it stays busy.
  if (!ctx.keepIndicators) busy(ctx.sourceElement, false);
});

function complain({ detail: { ctx } }) {
  if (ctx?.sourceEvent?.type === "every") return;
  hush();
  failed = ctx;
  focused = document.activeElement;
  noticeBar().innerHTML = `<p class="notice" data-kind="error">${byId("notice").dataset.failed}</p>`;
}
addEventListener("htmx:error", complain);

addEventListener("htmx:before:response", (event) => {
  const { response, hx, sourceElement } = event.detail.ctx;
  // What a proxy or a Wi-Fi's portal says has no place in a page; a failure of the shop only where it says so itself.
  if (!response.headers.get("x-shop") || (response.status > 499 && !hx.retarget)) {
    event.preventDefault();
    complain(event);
  // What failed can still be tried again when something else was answered, unless that needs the notice.
  } else if (!failed || sourceElement === failed.sourceElement || hx.retarget === "#notice") hush();
});

addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  syncBadge();
  if (failed && !failed.sourceElement.isConnected) hush();
  if (ctx.hx.retarget === "#notice") noticeBar().replaceChildren(...byId("notice").children);
  // What had the focus may be gone.
  if (document.activeElement === document.body) (drawer?.open ? drawer : document).querySelector("[data-refocus]")?.focus({ preventScroll: true });
});
