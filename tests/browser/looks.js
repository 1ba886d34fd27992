// What can be measured of an open page, for looks.py. It is evaluated in the page and stays there as `looks`.
window.looks = (() => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const name = (element) => element.outerHTML.slice(0, 120);
  const style = (element) => getComputedStyle(element);

  // axe's violations, of all its rules or of those that are named.
  async function violations(rules) {
    const found = await axe.run(document, { resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
    const where = (nodes) => nodes.map((node) => node.html.slice(0, 160)).join(" | ");
    return found.violations.map(({ id, help, nodes }) => `axe ${id}: ${help}: ${where(nodes)}`);
  }

  // Targets below 24 px, and those that matter below 44. A choice is pressed by its label; links in running text
  // are as high as their line (WCAG 2.2, 2.5.8, "inline").
  function smallTargets() {
    const matters = ".button:not(.button-small), .input, .select, .stepper-button, .icon-button";
    const small = [];
    for (const element of document.querySelectorAll("a[href], button, input, select, textarea, summary")) {
      if (element.type === "hidden" || element.closest("[aria-hidden='true']") || !shown(element)) continue;
      const target = element.closest("label") ?? element;
      const { width, height } = target.getBoundingClientRect();
      if (width < 2 || style(target).display === "inline") continue;
      if (Math.round(height) < (element.matches(matters) ? 44 : 24) || Math.round(width) < 24)
        small.push(`${Math.round(width)} × ${Math.round(height)} px: ${name(element)}`);
    }
    return small;
  }

  // What makes the page scroll sideways: itself, and elements that stick out, but for those inside a scroller.
  function tooWide() {
    const scrolls = (element) =>
      element && (["auto", "scroll", "hidden"].includes(style(element).overflowX) || scrolls(element.parentElement));
    const outside = ({ left, right }) => right > innerWidth + 1 || left < -1;
    const sticksOut = (element) =>
      shown(element) &&
      outside(element.getBoundingClientRect()) &&
      !element.closest(".visually-hidden, .skip-link") &&
      !scrolls(element.parentElement);
    const page = document.scrollingElement.scrollWidth;
    const wide = [...document.body.querySelectorAll("*")].filter(sticksOut).map(name);
    return page > innerWidth ? [`the page is ${page} px wide`, ...wide] : wide;
  }

  // Words in tight places that are broken into snippets: a letter or two alone on a line, or three lines and more.
  function brokenWords() {
    const broken = new Set();
    for (const element of document.querySelectorAll("h1, h2, h3, dt, label, legend, .button, .site-nav a, [class$='-title']")) {
      if (!shown(element) || element.closest(".visually-hidden")) continue;
      const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        for (const { 0: word, index } of texts.currentNode.data.matchAll(/\S+/g)) {
          const lines = new Map();
          for (let at = index; at < index + word.length; at++) {
            const letter = new Range();
            letter.setStart(texts.currentNode, at);
            letter.setEnd(texts.currentNode, at + 1);
            const top = Math.round(letter.getBoundingClientRect().top);
            lines.set(top, (lines.get(top) ?? 0) + 1);
          }
          if (lines.size > 2 || (lines.size > 1 && Math.min(...lines.values()) < 3)) broken.add(`${word}: ${name(element)}`);
        }
      }
    }
    return [...broken];
  }

  // Everything that Tab should reach, in the order of the page; a group of choices is one stop. Gives their number.
  let stops = [];
  function findStops() {
    const inside = document.querySelector("dialog[open]") ?? document;
    const groups = new Map();
    for (const radio of inside.querySelectorAll("[type=radio]"))
      if (radio.checked || !groups.has(radio.name)) groups.set(radio.name, radio);
    const focusable = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    stops = [...inside.querySelectorAll(focusable)].filter(
      (element) =>
        !element.disabled &&
        element.type !== "hidden" &&
        element.tabIndex >= 0 &&
        shown(element) &&
        (element.type !== "radio" || groups.get(element.name) === element),
    );
    return stops.length;
  }

  // Where the focus is: its place among the stops, and what keeps it from being seen.
  function whereIsFocus() {
    const element = document.activeElement;
    const target = element.closest(".option") ?? element;
    const box = target.getBoundingClientRect();
    const x = Math.min(box.x + box.width / 2, innerWidth - 1);
    const y = Math.min(box.y + Math.min(box.height / 2, 20), innerHeight - 1);
    const top = document.elementFromPoint(x, y);
    // A card's ring stands around all of it, on the ::after that its link is stretched by.
    const ringed = [style(element), style(target), getComputedStyle(element, "::after")].some(
      (one) => one.outlineStyle !== "none" && parseFloat(one.outlineWidth) >= 2,
    );
    const wrong = [];
    if (!ringed) wrong.push("has no ring");
    if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) wrong.push("is out of sight");
    else if (!top || !(target.contains(top) || top.contains(target))) wrong.push(`is covered by ${top && name(top)}`);
    return { place: stops.indexOf(element), element: name(element), wrong };
  }

  return { violations, smallTargets, tooWide, brokenWords, findStops, whereIsFocus };
})();
