// What the checkout's form needs beside shop.js.
const form = () => document.getElementById("checkout-form");
const isForm = ({ target }) => (target?.id ?? target)?.endsWith("checkout-form");
let newer;

addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  // What was typed since the form was sent is newer than the answer.
  if (isForm(ctx)) newer = [...new FormData(form())].filter(([name, value]) => value !== ctx.request.body.get(name));
});

addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!isForm(ctx)) return;
  // Morphing keeps a choice even where the choices are new.
  form().querySelectorAll("option[selected]").forEach((option) => (option.selected = true));
  for (const [name, value] of newer) {
    const field = document.getElementById(name);
    if (field) field.value = value;
  }
  const error = document.getElementById("notice").dataset.error + " ";
  document.title = (document.querySelector("[role=alert]") ? error : "") + document.title.replace(error, "");
});
