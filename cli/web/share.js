"use strict";
/** A link that holds the whole job, and downloads. */

async function throughStream(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

/** {text, files} as the fragment of an address: compressed, in letters that need no escape. */
async function jobFragment(job) {
  const bytes = await throughStream(new TextEncoder().encode(JSON.stringify(job)), new CompressionStream("deflate-raw"));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return "#job=" + btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The job of a fragment; undefined where it has none, or a damaged one. */
async function jobOfFragment(fragment) {
  const match = /^#job=([\w-]+)$/.exec(fragment);
  if (!match) return undefined;
  try {
    const bytes = Uint8Array.from(atob(match[1].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const {text, files} = JSON.parse(new TextDecoder().decode(await throughStream(bytes, new DecompressionStream("deflate-raw"))));
    if (typeof text !== "string" || typeof (files ?? {}) !== "object") return undefined;
    const kept = Object.entries(files ?? {}).filter(([name, content]) => /^[\w.-]+$/.test(name) && typeof content === "string");
    return {text, files: Object.fromEntries(kept)};
  } catch {
    return undefined;
  }
}

function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], {type}));
  element("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** The page that `foreshard --html` writes, made of this page's own parts. */
function reportPage(record, title) {
  const escaped = title.replace(/[&<>"]/g, (c) => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[c]);
  const parts = {title: escaped, style: pageText("report-style"), table: "", record: JSON.stringify(record).replace(/</g, "\\u003c"),
    charts: pageText("charts-script"), script: pageText("report-script")};
  return JSON.parse(pageText("report-frame")).split(/\{\{(\w+)\}\}/).map((piece, i) => i % 2 ? parts[piece] : piece).join("");
}

/** A name as the name of a file. */
function fileName(name, extension) {
  return (String(name).replace(/[^\w.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "") || "job") + extension;
}
