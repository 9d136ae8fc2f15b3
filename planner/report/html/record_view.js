"use strict";
/** Any record as tables: for results that have no pictures of their own, and as the whole answer below the others. */

/** An exact value, as the JSON has it. */
function plainText(value) {
  if (value === null) return kNone;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

const isPlain = (value) => value === null || typeof value !== "object";

/** A list of objects as a table with a column for each plain key. */
function rowsTable(name, list) {
  const keys = [...new Set(list.flatMap((row) => Object.keys(row).filter((key) => isPlain(row[key]))))];
  return dataTable({caption: name, columns: keys.map((key) => ({title: words(key)})),
    rows: list.map((row) => ({cells: keys.map((key) => row[key] === undefined ? "" : plainText(row[key]))}))});
}

function recordParts(object, path) {
  const plain = Object.entries(object).filter(([, value]) => isPlain(value) || (Array.isArray(value) && value.every(isPlain)));
  const parts = [];
  if (plain.length > 0)
    parts.push(dataTable({caption: path || "answer", columns: [{title: "key"}, {title: "value", words: true}],
      rows: plain.map(([key, value]) => ({cells: [key, Array.isArray(value) ?
        value.slice(0, 200).map(plainText).join(", ") + (value.length > 200 ? ", …" : "") : plainText(value)]}))}));
  for (const [key, value] of Object.entries(object)) {
    if (isPlain(value)) continue;
    const name = path ? path + "." + key : key;
    if (!Array.isArray(value)) parts.push(...recordParts(value, name));
    else if (value.some((item) => !isPlain(item))) parts.push(rowsTable(name, value.filter((item) => item && !isPlain(item))));
  }
  return parts;
}

function everything(record) {
  const details = element("details", {class: "everything"}, element("summary", {}, "Every figure, as JSON has it"));
  // Thousands of cells are made when somebody asks for them.
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(...recordParts(record, ""));
  });
  return details;
}

function recordView(record) {
  const said = record.verdict && Array.isArray(record.verdict.text) ? record.verdict.text : [];
  const title = record.verdict && record.verdict.job ? record.verdict.job[0] : document.title || "foreshard";
  return [element("h1", {}, title), verdict(said), recordParts(record, "")];
}
