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
  badge.ariaLabel = badge.dataset.words.split("|")[Math.min(count, 2)].replace("#", count);
  badge.querySelector(".cart-badge-count").textContent = +count || "";
}

function showPrice() {
  each("[data-price]:checked", (chosen) => (byId("price").innerHTML = chosen.parentNode.querySelector(".option-price").innerHTML));
}

// Disabling a button would lose the focus.
function busy(form, on) {
  if (!form.matches("[data-once]")) return;
  form.ariaBusy = on;
  form.querySelectorAll(".button").forEach((button) => (button.ariaDisabled = on));
}

addEventListener("pageshow", (event) => {
  syncBadge();
  showPrice();
  if (!event.persisted) return;
  drawer?.close();
  each("[data-once]", (form) => busy(form, false));
  each(".htmx-request", (element) => element.classList.remove("htmx-request"));
});
addEventListener("visibilitychange", syncBadge);
addEventListener("change", showPrice);

addEventListener("click", (event) => {
  const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
  if (elsewhere || !drawer || !event.target.closest("#cart-badge") || !matchMedia("(min-width: 48rem)").matches) return;
  event.preventDefault();
  drawer.showModal();
  htmx.ajax("GET", "/cart", { target: "#cart", swap: "outerMorph" });
});
drawer?.addEventListener("close", () => byId("cart-badge").focus());

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !event.target.closest(".site-search")) return;
  byId("suggestions").replaceChildren();
  byId("site-q").focus();
});

addEventListener("htmx:config:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (source.ariaBusy === "true") return event.preventDefault();
  busy(source, true);
  each("#notice [data-kind=error], [data-notice] > *", (notice) => notice.remove());
});

addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  // On the way to another page it stays busy.
  if (!ctx.keepIndicators) busy(ctx.sourceElement, false);
});

function complain({ detail: { ctx } }) {
  if (ctx?.response?.status < 500 || ctx?.hx?.retarget || ctx?.sourceEvent.type === "every") return;
  noticeBar().innerHTML = `<p class="notice" data-kind="error">${byId("notice").dataset.failed}</p>`;
}
addEventListener("htmx:error", complain);
addEventListener("htmx:response:error", complain);

const isCheckout = ({ target }) => (target?.id ?? target)?.endsWith("checkout-form");
let newer;
addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  // A failure goes into the page only where the shop itself says where.
  if (ctx.response.status > 499 && !ctx.hx.retarget) event.preventDefault();
  // What was typed since the form was sent is newer than the answer.
  else if (isCheckout(ctx)) newer = [...new FormData(byId("checkout-form"))].filter(([name, value]) => value !== ctx.request.body.get(name));
});

addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.hx.retarget === "#notice") noticeBar().replaceChildren(...byId("notice").children);
  // What had the focus may be gone.
  if (document.activeElement === document.body) (drawer?.open ? drawer : document).querySelector("[data-refocus]")?.focus({ preventScroll: true });
  if (!isCheckout(ctx)) return;
  // Morphing keeps a choice even where the choices are new.
  each("#checkout-form option[selected]", (option) => (option.selected = true));
  for (const [name, value] of newer) if (byId(name)) byId(name).value = value;
  const error = byId("notice").dataset.error + " ";
  document.title = (document.querySelector(".errors") ? error : "") + document.title.replace(error, "");
});
