// Presenting: large, one scene a screen, by the keys; and which scene is read.
"use strict";

(() => {
  const { kept } = window.onelayer;
  // What makes use of the keys itself: controls, and whatever scrolls.
  const TYPED = "input:not([type=range], [type=radio], [type=checkbox]), select, textarea";
  const ARROWS = "input, select, textarea, summary, [role=slider], canvas, .code, .picture";

  class Presenting {
    /** @param {{ words: any, turned: () => void, turn: (by: number) => void }} page */
    constructor({ words, turned, turn }) {
      Object.assign(this, { words, turned, turn });
      this.store = kept("onelayer:presenting", "sessionStorage"); // through reload, the next lesson and the other language
      this.button = document.getElementById("present");
      this.keys = document.getElementById("keys");
      const settings = kept("onelayer:settings");
      this.keys.checked = settings.get("keys") !== false;
      this.keys.addEventListener("change", () => settings.set("keys", this.keys.checked));
      this.button.addEventListener("click", () => this.set(!this.on));
      addEventListener("keydown", (event) => this.#key(event));
      this.#mark(Boolean(this.store.get("on")));
    }

    get on() { return document.documentElement.classList.contains("presenting"); }

    #mark(on) {
      document.documentElement.classList.toggle("presenting", on);
      this.button.firstChild.data = `${on ? this.words.present_end : this.words.present} `;
    }

    set(on) {
      this.#mark(on);
      this.store.set("on", on);
      this.turned();
    }

    #key(event) {
      if (!this.keys.checked || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TYPED)) return;
      if (event.key.toLowerCase() === "p") return this.set(!this.on);
      if (!this.on) return;
      const by = { PageDown: 1, PageUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") this.set(false);
      else if (by && !(event.key.startsWith("Arrow") && event.target.closest?.(ARROWS))) {
        event.preventDefault();
        this.turn(by);
      }
    }
  }

  Object.assign(window.onelayer, { Presenting });
})();
