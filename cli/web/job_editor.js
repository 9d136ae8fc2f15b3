"use strict";
/** The job's YAML with line numbers, and what is wrong with it at its line. */

class JobEditor {
  #area = document.getElementById("yaml");
  #lines = document.getElementById("line-numbers");
  #problems = document.getElementById("problems");

  /** @param changed  called with the text when somebody typed */
  constructor(changed) {
    this.#area.addEventListener("input", () => {
      this.#number();
      changed(this.text);
    });
    this.#area.addEventListener("scroll", () => { this.#lines.scrollTop = this.#area.scrollTop; });
  }

  get text() {
    return this.#area.value;
  }

  set text(text) {
    if (text === this.#area.value) return;
    const {scrollTop} = this.#area;
    this.#area.value = text;
    this.#area.scrollTop = scrollTop;
    this.#number();
  }

  #number(wrong = new Set()) {
    const count = this.text.split("\n").length;
    this.#area.rows = Math.min(40, Math.max(12, count + 1));
    this.#lines.replaceChildren(...Array.from({length: count}, (_, i) => element("span", {class: wrong.has(i + 1) ? "wrong" : undefined}, String(i + 1))));
    this.#lines.scrollTop = this.#area.scrollTop;
  }

  #goTo(line, column) {
    const lines = this.text.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, column - 1);
    this.#area.focus();
    this.#area.setSelectionRange(at, at);
  }

  /** Shows a failed answer, or nothing wrong. */
  show(answer) {
    const problems = answer.code === 0 || answer.code === 1 ? [] : answer.problems && answer.problems.length > 0 ? answer.problems : [{message: answer.message, line: 0}];
    const isHere = (problem) => problem.line > 0 && (!problem.file || problem.file === "job");
    this.#number(new Set(problems.filter(isHere).map(({line}) => line)));
    this.#area.setAttribute("aria-invalid", String(problems.length > 0));
    this.#problems.replaceChildren(...problems.map((problem) => {
      const said = [problem.path ? problem.path + ": " : "", problem.message, problem.allowed ? "; " + problem.allowed : ""].join("");
      if (!isHere(problem)) return element("li", {}, problem.file && problem.line ? `${problem.file}:${problem.line}: ${said}` : said);
      return element("li", {}, element("button", {type: "button", onclick: () => this.#goTo(problem.line, problem.column)},
        element("b", {}, "line " + problem.line), " " + said));
    }));
  }
}
