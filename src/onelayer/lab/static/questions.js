// What a scene asks before it shows its pictures, and how the reader's answer did.
"use strict";

(() => {
  const { format, make, parsed } = window.onelayer;

  class Question {
    /** @param {any} scene @param {HTMLElement} place @param {{ words: any, store: any, closed: () => void, known: () => void }} page */
    constructor(scene, place, page) {
      Object.assign(this, { scene, page, ask: scene.spec.ask, name: scene.spec.name });
      this.answered = this.isJudged = this.#kept("ask") !== undefined;
      this.parts = [...scene.section.querySelectorAll(".answer")];
      this.#form(place);
      if (this.answered) this.#open(this.#kept("ask"));
      else for (const part of this.parts) part.hidden = true;
    }

    // Of a question the store has what was said ("ask"), the truth as it was then, and whether the first try was right:
    // null if the answer was only looked at.
    #kept(what) { return this.page.store.get(`${what}:${this.name}`); }
    #keep(what, value) { if (this.#kept(what) !== value) this.page.store.set(`${what}:${this.name}`, value); }

    #form(place) {
      const { ask, page: { words } } = this;
      this.form = make("form", { class: "question" }, place);
      const said = ask.kind === "number" ? this.#number() : ask.kind === "choice" ? this.#choice() : () => this.scene.guess ?? null;
      make("button", { type: "submit", text: words.answer_now }, this.form);
      make("button", { type: "button", class: "quiet", text: words.show_me }, this.form).addEventListener("click", () => this.#answer(null));
      this.verdict = make("p", { class: "verdict", role: "status" }, place);
      this.again = make("button", { type: "button", class: "quiet", hidden: "", text: words.ask_again }, place);
      this.again.addEventListener("click", () => this.#forget());
      this.form.addEventListener("submit", (event) => {
        event.preventDefault();
        const answer = said();
        if (answer !== null && answer !== "" && !Number.isNaN(answer)) return this.#answer(answer);
        this.verdict.textContent = Number.isNaN(answer) ? words.no_number : words.no_answer;
        this.verdict.scrollIntoView({ block: "nearest" });
      });
    }

    #number() {
      const input = make("input", { type: "text", inputmode: "text", autocomplete: "off", "aria-label": this.page.words.your_answer }, this.form);
      return () => (input.value.trim() ? parsed(input.value, this.ask.format) ?? NaN : null);
    }

    #choice() {
      this.ask.options.forEach((option, i) => {
        const label = make("label", {}, this.form);
        make("input", { type: "radio", name: this.name, value: this.ask.names[i] }, label);
        label.append(option);
      });
      return () => new FormData(this.form).get(this.name);
    }

    #answer(said) {
      this.scene.adopt(); // what was asked is what is shown
      this.#keep("ask", said);
      this.answered = true;
      this.#open(said);
      this.scene.compute();
    }

    /** Ask once more: the first try is what counts. */
    #forget() {
      if (this.#kept("right") !== undefined) this.#keep("tried", true);
      for (const what of ["ask", "truth"]) this.#keep(what, undefined);
      this.answered = this.isJudged = this.form.hidden = false;
      this.again.hidden = true;
      this.form.reset();
      this.verdict.textContent = "";
      for (const part of this.parts) part.hidden = true;
      this.scene.close();
      this.page.changed();
    }

    #open(said) {
      this.said = said;
      this.again.hidden = false;
      this.form.hidden = true;
      this.scene.open(said);
      for (const part of this.parts) part.hidden = false;
    }

    judge() {
      const { ask, said, page: { words } } = this;
      if (ask.kind === "sketch") {
        this.verdict.textContent = said ? words.sketch_beside : "";
        return;
      }
      const truth = (this.isJudged ? this.#kept("truth") : undefined) ?? this.scene.value(ask.truth);
      if (truth === undefined) return;
      this.#keep("truth", truth);
      const shown = (v) => (ask.kind === "choice" ? ask.options[ask.names.indexOf(v)] : format(v, ask.format));
      const right = said === null ? null : ask.kind === "choice" ? said === truth : Math.abs(said - truth) <= ask.close * Math.abs(truth);
      const text = right === null ? words.it_is : right ? words.right : words.wrong;
      this.verdict.textContent = text.replace("{said}", () => shown(said)).replace("{truth}", () => shown(truth));
      this.verdict.dataset.right = Boolean(right);
      if (this.#kept("tried") || this.#kept("right") === right) return;
      this.#keep("right", right);
      this.page.changed(); // a scene may show the score
    }
  }

  /** How the questions for a number or a choice have been answered, each at the first try; an answer that was only looked at is neither right nor wrong. */
  function score(scenes, store, words) {
    const asking = scenes.filter(({ ask }) => ask && ask.kind !== "sketch");
    const found = asking.map(({ name }) => store.get(`right:${name}`));
    const count = (...wanted) => found.filter((one) => wanted.includes(one)).length;
    return {
      asked: found.length, answered: count(true, false), right: count(true), looked: count(null),
      questions: asking.map(({ name }) => document.querySelector(`#${name} h2`).textContent),
      results: found.map((one) => (one === undefined ? "" : one === null ? words.looked : one ? "✓" : "✗")),
    };
  }

  Object.assign(window.onelayer, { Question, score });
})();
