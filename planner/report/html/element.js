"use strict";
/** Elements of the page. Text goes in as text nodes alone, so that no name is read as markup. */

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (typeof value === "function") made[name] = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    made.append(child);
  }
  return made;
}

let lastId = 0;
function newId(stem) {
  lastId += 1;
  return stem + "-" + lastId;
}

/** Key figures: [[name, value, remark]…]; those without a value are left out. */
function tiles(figures) {
  const shown = figures.filter(([, value]) => value !== undefined && value !== null && value !== kNone);
  return element("dl", {class: "tiles"},
    shown.map(([name, value, remark]) => element("div", {}, element("dt", {}, name),
      element("dd", {}, value, remark ? element("small", {}, remark) : null))));
}

/** The answer in words. `mood` is yes, no or tight. */
function verdict(text, mood) {
  return element("div", {class: "verdict " + (mood || "")}, text.map((line) => element("p", {}, line)));
}

function notes(lines) {
  if (!lines || lines.length === 0) return null;
  return element("ul", {class: "notes"}, lines.map((line) => element("li", {}, line)));
}

/** A legend below a chart: [[name, colour]…]. */
function colourKey(entries) {
  return element("ul", {class: "key"}, entries.map(([name, colour]) =>
    element("li", {}, element("i", {style: "background:" + colour}), name)));
}
