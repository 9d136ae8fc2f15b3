"use strict";

/**
 * A table. columns: [{title, words}], where `words` aligns left; rows: [{cells, class}], a cell being a text or
 * {text, class}. The first cell of a row is its heading.
 */
function dataTable({caption, columns, rows}) {
  const cell = (content, index, words) => {
    const {text, class: style} = content !== null && typeof content === "object" ? content : {text: content};
    const attributes = {class: [style, words ? "words" : ""].filter(Boolean).join(" ") || undefined};
    if (index === 0) return element("th", {scope: "row", ...attributes}, text);
    return element("td", attributes, text);
  };
  const withUnit = (title) => title.replace(/, (\S+)$/, ",\u00a0$1");  // a line does not begin with a unit
  const head = element("tr", {}, columns.map(({title, words}) =>
    element("th", {scope: "col", class: words ? "words" : undefined}, withUnit(title))));
  const body = rows.map((row) => element("tr", {class: row.class},
    row.cells.map((content, index) => cell(content, index, columns[index].words))));
  // Wide tables scroll inside their frame, with the keyboard too.
  return element("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
    element("table", {}, element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, body)));
}

/** The same, closed until asked for: what a chart shows, for those who want the figures or do not see it. */
function foldedTable(table, title = "The figures as a table") {
  return element("details", {}, element("summary", {}, title), dataTable(table));
}
