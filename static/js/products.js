// On the page of a product: the price of the chosen variant, also after Back, and the answer to "Add to cart" in sight.
function showPrice() {
  const chosen = document.querySelector("[data-price]:checked");
  if (chosen) document.getElementById("price").innerHTML = chosen.parentNode.querySelector(".option-price").innerHTML;
}
addEventListener("pageshow", showPrice);
addEventListener("change", showPrice);
addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement.matches(".add-form")) document.getElementById("add-message").scrollIntoView({ block: "nearest" });
});

// What was looked at last, known to this browser alone. Without a script nothing of it is shown or kept.
const KEY = "viewed";
const KEPT = 9;
const SHOWN = 4;
const section = document.getElementById("viewed");
const here = section.dataset;

const isThing = (one) =>
  /^\/[^/\\]/.test(one?.url) && /^\/[^/\\]/.test(one.image) && typeof one.title === "string";

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)).filter(isThing).slice(0, KEPT);
  } catch {
    // Nothing yet, something else's, or this browser keeps nothing.
    return [];
  }
}

function card({ url, title, image }) {
  const item = document.createElement("li");
  item.className = "card";
  const picture = Object.assign(new Image(800, 800), { className: "card-picture", loading: "lazy", alt: "", src: image });
  const heading = document.createElement("h3");
  heading.className = "card-title";
  heading.append(Object.assign(document.createElement("a"), { href: here.home + url.slice(1), textContent: title }));
  item.append(picture, heading);
  return item;
}

function show() {
  const others = kept().filter((one) => one.url !== here.url).slice(0, SHOWN);
  section.querySelector("ul").replaceChildren(...others.map(card));
  section.hidden = !others.length;
}

if (here.url) {
  const { url, title, image } = here;
  const things = [{ url, title, image }, ...kept().filter((one) => one.url !== url)];
  try {
    localStorage.setItem(KEY, JSON.stringify(things.slice(0, KEPT)));
  } catch {
    // It is only a convenience.
  }
}
show();
addEventListener("pageshow", (event) => event.persisted && show());
addEventListener("storage", show);
section.querySelector("button").addEventListener("click", () => {
  localStorage.removeItem(KEY);
  show();
  document.getElementById("main").focus();
});
