"use strict";
/**
 * Reads and changes single values of a job's YAML text, and leaves everything else as it stands: order, comments, style.
 * Knows the forms of YAML that job files use: block maps, flow maps in braces, plain and quoted scalars.
 */

/** The end of a line's value: without its comment and the spaces before that. */
function endOfValue(text, start, lineEnd) {
  let quote = "";
  for (let i = start; i < lineEnd; ++i) {
    const c = text[i];
    if (quote) {
      if (c === quote) quote = "";
    } else if (c === "'" || c === '"') {
      quote = c;
    } else if (c === "#" && (i === start || text[i - 1] === " ")) {
      lineEnd = i;
    }
  }
  while (lineEnd > start && /\s/.test(text[lineEnd - 1])) --lineEnd;
  return lineEnd;
}

/** The place after the brace that closes the one at `start`; -1 if none does. */
function endOfFlow(text, start) {
  let depth = 0;
  let quote = "";
  for (let i = start; i < text.length; ++i) {
    const c = text[i];
    if (quote) {
      if (c === quote) quote = "";
    } else if (c === "'" || c === '"') {
      quote = c;
    } else if (c === "#" && /\s/.test(text[i - 1])) {
      while (i < text.length && text[i] !== "\n") ++i;
    } else if (c === "{" || c === "[") {
      ++depth;
    } else if ((c === "}" || c === "]") && --depth === 0) {
      return i + 1;
    }
  }
  return -1;
}

/** The lines from `from` to `to`: [{start, end, indent, blank}…]; a line that is empty or a comment is blank. */
function linesIn(text, from, to) {
  const lines = [];
  for (let start = from; start < to;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 || newline > to ? to : newline;
    const line = text.slice(start, end);
    const content = line.trimStart();
    lines.push({start, end, indent: line.length - content.length, blank: content === "" || content.startsWith("#")});
    start = end + 1;
  }
  return lines;
}

/**
 * The entries of the block map in a piece of text: {key, start, valueStart, valueEnd, end, indent, kind}. `end` is
 * behind the last line of the entry that is not blank; kind is plain, flow, block or none (no value at all).
 */
function blockEntries(text, from, to) {
  const lines = linesIn(text, from, to);
  const first = lines.find((line) => !line.blank);
  if (!first) return [];
  const entries = [];
  for (const line of lines) {
    if (line.blank) continue;
    const content = text.slice(line.start + line.indent, line.end);
    const match = line.indent === first.indent ? /^("[^"]*"|'[^']*'|[^\s:#{[][^:#]*?)\s*:(?=\s|$)/.exec(content) : null;
    if (!match) {
      if (entries.length > 0 && line.indent > first.indent) entries[entries.length - 1].end = line.end;
      continue;
    }
    let valueStart = line.start + line.indent + match[0].length;
    while (valueStart < line.end && text[valueStart] === " ") ++valueStart;
    let valueEnd = endOfValue(text, valueStart, line.end);
    let kind = valueEnd > valueStart ? "plain" : "none";
    let end = line.end;
    if (text[valueStart] === "{") {
      const close = endOfFlow(text, valueStart);
      if (close > 0) {
        kind = "flow";
        valueEnd = close;
        end = Math.max(end, close);
      }
    }
    entries.push({key: match[1].replace(/^["']|["']$/g, ""), start: line.start, valueStart, valueEnd, end, indent: line.indent, kind});
  }
  for (const entry of entries) {
    if (entry.kind !== "none") continue;
    const lineEnd = text.indexOf("\n", entry.start);
    if (lineEnd >= 0 && entry.end > lineEnd) {
      Object.assign(entry, {kind: "block", valueStart: lineEnd + 1, valueEnd: entry.end});
    }
  }
  return entries;
}

/** The entries of the flow map from `from` ("{") to `to` (behind "}"). */
function flowEntries(text, from, to) {
  const entries = [];
  let start = from + 1;
  const add = (end) => {
    const match = /^(?:\s|#[^\n]*\n)*("[^"]*"|'[^']*'|[^\s:,#]+)\s*:\s*/.exec(text.slice(start, end));
    if (match) {
      const valueStart = start + match[0].length;
      const valueEnd = endOfValue(text, valueStart, end);
      entries.push({key: match[1].replace(/^["']|["']$/g, ""), start, valueStart, valueEnd, end, indent: 0,
        kind: text[valueStart] === "{" ? "flow" : "plain"});
    }
    start = end + 1;
  };
  let quote = "";
  for (let i = from + 1; i < to - 1; ++i) {
    const c = text[i];
    if (quote) {
      if (c === quote) quote = "";
    } else if (c === "'" || c === '"') {
      quote = c;
    } else if (c === "#" && /\s/.test(text[i - 1])) {
      while (text[i + 1] !== "\n") ++i;
    } else if (c === "{" || c === "[") {
      i = endOfFlow(text, i) - 1;
    } else if (c === ",") {
      add(i);
    }
  }
  add(to - 1);
  return entries;
}

function entriesOf(text, entry) {
  if (entry.kind === "flow") return flowEntries(text, entry.valueStart, entry.valueEnd);
  return entry.kind === "block" ? blockEntries(text, entry.valueStart, entry.valueEnd) : [];
}

function findEntry(text, path) {
  let entries = blockEntries(text, 0, text.length);
  let found;
  for (const key of path) {
    found = entries.find((entry) => entry.key === key);
    if (!found) return undefined;
    entries = entriesOf(text, found);
  }
  return found;
}

/** The scalar at a path, without quotes; undefined where there is none, or a map or list. */
function yamlValue(text, path) {
  const entry = findEntry(text, path);
  if (!entry || entry.kind !== "plain") return undefined;
  const value = text.slice(entry.valueStart, entry.valueEnd);
  if (/^[[|>&*]/.test(value)) return undefined;
  return value.replace(/^"(.*)"$/, "$1").replace(/^'(.*)'$/, "$1");
}

/** A value as YAML: quoted where it would be read as something else. */
function yamlScalar(value) {
  const text = String(value);
  return /^[\w./+-][\w./+ -]*$/.test(text) && !/^[-+ ]|\s$/.test(text) ? text : "'" + text.replace(/'/g, "''") + "'";
}

const splice = (text, from, to, inserted) => text.slice(0, from) + inserted + text.slice(to);

function addEntry(text, path, scalar) {
  const key = path[path.length - 1];
  const whole = text === "" || text.endsWith("\n") ? text : text + "\n";
  if (path.length === 1) return `${whole}${key}: ${scalar}\n`;
  const parent = findEntry(text, path.slice(0, -1));
  if (!parent) return `${whole}${path[0]}:\n  ${key}: ${scalar}\n`;
  if (parent.kind === "flow") {
    const isEmpty = flowEntries(text, parent.valueStart, parent.valueEnd).length === 0;
    let end = parent.valueEnd - 1;
    while (/\s/.test(text[end - 1])) --end;
    return splice(text, end, end, `${isEmpty ? "" : ", "}${key}: ${scalar}`);
  }
  if (parent.kind === "block") {
    const [first] = blockEntries(text, parent.valueStart, parent.valueEnd);
    const indent = " ".repeat(first ? first.indent : parent.indent + 2);
    return splice(text, parent.end, parent.end, `\n${indent}${key}: ${scalar}`);
  }
  // A name alone, as in "cluster: dgx-h100".
  const name = text.slice(parent.valueStart, parent.valueEnd);
  const space = text[parent.valueStart - 1] === ":" ? " " : "";
  return splice(text, parent.valueStart, parent.valueEnd, name ? `{name: ${name}, ${key}: ${scalar}}` : `${space}{${key}: ${scalar}}`);
}

function removeEntry(text, path) {
  const entry = findEntry(text, path);
  if (!entry) return text;
  const parent = path.length > 1 ? findEntry(text, path.slice(0, -1)) : undefined;
  if (parent && parent.kind === "flow") {
    if (text[entry.end] === ",") return splice(text, entry.start, entry.end + 1, "").replace(/\{ +/, "{");
    return splice(text, text[entry.start - 1] === "," ? entry.start - 1 : entry.start, entry.end, "");
  }
  if (parent && blockEntries(text, parent.valueStart, parent.valueEnd).length === 1) return removeEntry(text, path.slice(0, -1));
  return splice(text, entry.start, Math.min(text.length, entry.end + 1), "");
}

/** The text with another value at a path; null takes the key out. */
function withYamlValue(text, path, value) {
  if (value === null) return removeEntry(text, path);
  const scalar = yamlScalar(value);
  const entry = findEntry(text, path);
  if (!entry) return addEntry(text, path, scalar);
  if (entry.kind === "block") {
    const colon = text.indexOf(":", entry.start);
    return splice(text, colon + 1, entry.end, " " + scalar);
  }
  const space = entry.valueStart > 0 && text[entry.valueStart - 1] === ":" ? " " : "";
  return splice(text, entry.valueStart, entry.valueEnd, space + scalar);
}
