// A lesson's page: state, controls, clocks, questions and missions, and the scenes that they move.
"use strict";

(async () => {
  await window.onelayer.ready; // its data
  const { format, filled, make, nearest, parsed, phases, phaseOf, Check, Goal, Slider, Menu, ClockFace } = window.onelayer;
  const page = JSON.parse(document.getElementById("lesson").textContent);
  const { words, labels } = page;
  const store = kept(); // the reader's progress in this lesson
  const state = {}; // controls by name, of all scenes: those of one name are one
  const controls = {};
  const scenes = [];
  const board = { live: page.live, words, state, set }; // what controls see and do

  // State

  for (const scene of page.scenes) for (const control of scene.controls) {
    controls[control.name] ??= control;
    state[control.name] ??= first(control);
  }

  /** What a control starts with. */
  function first(control) {
    return control.control === "pad" ? window.onelayer.data[page.slug][control.first][control.first] : control.value;
  }

  /** The nearest value that a control may have, or what it starts with. */
  function allowed(control, value) {
    if (control.control === "choice") return control.names.includes(value) ? value : control.value;
    if (control.control === "pad") return value;
    if (!Number.isFinite(value)) return control.value;
    if (control.control === "clock") return Math.max(0, Math.round(value));
    if (control.values.length && page.live) return Math.min(Math.max(value, Math.min(...control.values)), Math.max(...control.values));
    if (control.values.length) return nearest(control.values, value);
    const whole = control.low + Math.round((value - control.low) / control.step) * control.step;
    const digits = Math.max(0, -Math.floor(Math.log10(control.step) + 1e-9)) + (control.slider ? 0 : 1);
    return Math.min(Math.max(+(control.slider || Number.isInteger(control.step) ? whole : value).toFixed(Math.min(digits, 12)), control.low), control.high);
  }

  /** Change controls; every scene that has one of them is drawn anew, once a frame. */
  function set(changes) {
    for (const [name, value] of Object.entries(changes)) {
      const next = allowed(controls[name], value);
      if (next === state[name] && typeof next !== "object") continue;
      state[name] = next;
      for (const scene of scenes) if (scene.has(name)) {
        scene.isJudged = scene.answered; // what was asked is not what a control does to it afterwards
        scene.touch();
      }
    }
    remember();
  }

  // The address holds what differs from the start, and the scene that is read

  let current = null, timer = 0;
  function remember() {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", address()), 150);
  }
  function address() {
    const changed = Object.keys(controls).filter((name) => state[name] !== first(controls[name]));
    const query = changed.map((name) => `${name}=${controls[name].control === "pad" ? packed(state[name]) : encodeURIComponent(state[name])}`);
    return `#${current ?? page.scenes[0].name}${query.length ? `?${query.join("&")}` : ""}`;
  }
  function recall() {
    const [place, query] = location.hash.slice(1).split("?");
    for (const [name, text] of new URLSearchParams(query ?? "")) {
      const control = controls[name];
      if (!control) continue;
      const option = control.control === "choice" && control.names.find((known) => String(known) === text);
      state[name] = control.control === "pad" ? unpacked(text) ?? first(control) : allowed(control, option === undefined || option === false ? +text : option);
    }
    return place;
  }
  // A drawing in 16 shades, two pixels a byte
  const packed = (pixels) => btoa(String.fromCharCode(...Array.from({ length: 392 }, (_, i) => (pixels[2 * i] >> 4) * 16 + (pixels[2 * i + 1] >> 4))))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  function unpacked(text) {
    try {
      const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
      return bytes.length === 392 ? Uint8Array.from({ length: 784 }, (_, i) => 17 * (i % 2 ? bytes.charCodeAt(i >> 1) & 15 : bytes.charCodeAt(i >> 1) >> 4)) : null;
    } catch {
      return null;
    }
  }

  /** What the browser keeps of a lesson, if it keeps anything. */
  function kept() {
    const name = `onelayer:${page.slug}`;
    let found = {};
    try { found = JSON.parse(localStorage.getItem(name)) ?? {}; } catch { /* a browser may keep nothing */ }
    return {
      get: (key) => found[key],
      set(key, value) {
        found[key] = value;
        try { localStorage.setItem(name, JSON.stringify(found)); } catch { /* as above */ }
      },
    };
  }

  /** What any scene may show: how the reader has answered the questions for a number or a choice. */
  const wide = {
    get score() {
      const asking = page.scenes.filter(({ ask }) => ask && ask.kind !== "sketch");
      const found = asking.map(({ name }) => store.get(`right:${name}`));
      const count = (test) => found.filter(test).length;
      return {
        asked: found.length, answered: count((one) => one !== undefined), right: count(Boolean),
        questions: asking.map(({ name }) => document.querySelector(`#${name} h2`).textContent),
        results: found.map((one) => (one === undefined ? "" : one ? "✓" : "✗")),
      };
    },
  };

  // A scene

  class Scene {
    constructor(spec) {
      this.spec = spec;
      this.section = document.getElementById(spec.name);
      const panel = this.section.querySelector(".panel");
      this.outcome = spec.run ? null : {};
      this.data = Object.assign({}, ...(spec.run?.data ?? []).map((name) => window.onelayer.data[page.slug][name]));
      this.clocks = {}; // as far as they go by now: a run may still grow
      this.names = new Set(spec.controls.map((control) => control.name));
      this.answered = this.isJudged = !spec.ask || store.get(`ask:${spec.name}`) !== undefined;
      this.widgets = [];
      this.#controls(make("div", { class: "controls" }, panel));
      this.#pictures(make("div", { class: "pictures" }, panel));
      this.code = panel.querySelector(".stepping");
      const bare = !spec.controls.length && !spec.pictures.length && !this.code; // then claims stand below the prose
      this.#foot(make("div", { class: "foot" }, bare ? this.section.querySelector(".prose") : panel));
      if (this.code) panel.append(this.code);
      this.lines = this.code ? litLines(this.code, spec.code.steps) : [];
      if (spec.ask) this.#ask(this.section.querySelector(".ask"));
      this.values = [...this.section.querySelectorAll("[data-value]")];
      panel.hidden = bare;
    }

    has(name) { return this.names.has(name); }

    /** Look a name up: in the outcome, in the data, among the controls; a number is itself, ``field.control`` an element. */
    value = (name) => {
      if (typeof name !== "string") return name;
      const [field, ...places] = name.split(".");
      const found = [this.outcome ?? {}, this.data, this.clocks, state, wide].find((fields) => field in fields)?.[field];
      return places.reduce((part, place) => part?.[this.clocks[place] ?? state[place] ?? place], found);
    };

    /** The same for what is read: names that are words are those words. */
    said = (name) => {
      const found = this.value(name);
      return typeof found === "string" ? labels[found] ?? found : found;
    };

    #controls(row) {
      for (const spec of this.spec.controls) {
        if (spec.control === "number" && spec.slider) this.widgets.push(new Slider(spec, row, board));
        if (spec.control === "choice") this.widgets.push(new Menu(spec, row, board));
        if (spec.control === "clock") this.widgets.push(new ClockFace(spec, row, board, this));
      }
      if (this.spec.run?.kind === "live") this.#again(row);
      row.hidden = !row.childElementCount;
    }

    #again(row) {
      const button = make("button", { type: "button", class: "again", text: words.again }, row);
      button.disabled = !page.live;
      if (!page.live) make("small", { text: words.recorded.replace("{machine}", window.onelayer.data[page.slug]?.machine ?? "–") }, row);
      button.addEventListener("click", () => this.compute(true));
    }

    #pictures(row) {
      row.dataset.count = this.spec.pictures.length;
      row.toggleAttribute("data-stacked", this.spec.stacked);
      row.hidden = !this.spec.pictures.length;
      const sketched = this.spec.ask?.kind === "sketch";
      this.pictures = this.spec.pictures.map((spec, i) => {
        const host = make("div", { class: `picture ${spec.picture}`, "data-picture": i }, row);
        // What may scroll has to be reached by the keys.
        if (spec.picture !== "plot") for (const [name, value] of [["tabindex", 0], ["role", "group"], ["aria-label", spec.name]]) host.setAttribute(name, value);
        const actions = { set, words, labels, control: (name) => controls[name], sketched: (ys) => { this.guess = ys; } };
        if (spec.picture === "drawing") return new window.onelayer.Pad(spec, host, actions);
        return new window.onelayer.pictures[spec.picture]({ ...spec, sketch: sketched && i === 0 }, host, actions);
      });
      if (this.spec.pictures.length > 1) this.#tabs(row);
      this.covered = [...row.children].find((_, i) => !this.#seen(i)) ?? row;
      if (this.spec.ask) this.cover = make("p", { class: "cover", text: sketched ? words.sketch_first : words.answer_first }, this.covered);
    }

    /** Whether a picture may be seen: after the answer, or because the question is about it. */
    #seen(i) { return this.answered || this.spec.ask.seen.includes(i); }

    /** On a phone pictures are behind tabs. */
    #tabs(row) {
      const bar = make("div", { class: "tabs", role: "group", "aria-label": words.pictures }, row.parentElement);
      const names = this.spec.pictures.map((spec) => spec.name);
      const panel = row.parentElement;
      const show = (i) => {
        panel.dataset.tab = i;
        [...bar.children].forEach((tab, k) => tab.setAttribute("aria-pressed", k === i));
        this.draw();
      };
      names.forEach((name, i) => make("button", { type: "button", text: name }, bar).addEventListener("click", () => show(i)));
      panel.dataset.tab = 0;
      bar.firstElementChild.setAttribute("aria-pressed", true);
    }

    #foot(foot) {
      this.line = make("p", { class: `outcome${this.spec.outcome ? "" : " none"}`, role: "status" }, foot);
      this.busy = make("progress", { hidden: "" }, foot);
      this.checks = this.spec.claims.map((claim) => new Check(claim, foot, { words, labels }));
      this.missions = this.spec.missions.map((mission) => new Goal(mission, this.spec.name, foot, { words, store }));
      foot.hidden = !this.spec.outcome && !this.checks.length && !this.missions.length && this.spec.run?.kind !== "live";
    }

    // A question

    #ask(place) {
      const { ask } = this.spec;
      const form = make("form", { class: "question" }, place);
      let answer = () => this.guess ?? null;
      if (ask.kind === "number") {
        const input = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": words.your_answer }, form);
        answer = () => parsed(input.value, ask.format);
      }
      if (ask.kind === "choice") {
        ask.options.forEach((option, i) => {
          const label = make("label", {}, form);
          make("input", { type: "radio", name: this.spec.name, value: ask.names[i] }, label);
          label.append(option);
        });
        answer = () => new FormData(form).get(this.spec.name);
      }
      make("button", { type: "submit", text: words.answer_now }, form);
      const skip = make("button", { type: "button", class: "quiet", text: words.show_me }, form);
      this.verdict = make("p", { class: "verdict", role: "status" }, place);
      this.again = make("button", { type: "button", class: "quiet", hidden: "", text: words.ask_again }, place);
      this.again.addEventListener("click", () => this.#forget());
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const said = answer();
        if (said === null || said === "") this.verdict.textContent = words.no_answer;
        else this.#reveal(said);
      });
      skip.addEventListener("click", () => this.#reveal(null));
      this.form = form;
      this.answers = [...this.section.querySelectorAll(".answer")];
      if (this.answered) this.#opened(store.get(`ask:${this.spec.name}`));
      else for (const part of this.answers) part.hidden = true;
    }

    #reveal(said) {
      store.set(`ask:${this.spec.name}`, said);
      this.answered = true;
      this.#opened(said);
      this.compute();
    }

    /** Ask once more. */
    #forget() {
      for (const what of ["ask", "right", "truth"]) store.set(`${what}:${this.spec.name}`, undefined);
      this.answered = this.form.hidden = this.isJudged = false;
      this.again.hidden = true;
      this.guess = null;
      this.form.reset();
      this.verdict.textContent = "";
      for (const part of this.answers) part.hidden = true;
      this.covered.append(this.cover);
      this.pictures[0]?.sketch?.reset();
      for (const scene of scenes) scene.touch();
    }

    #opened(said) {
      this.guessed = said;
      this.again.hidden = false;
      this.form.hidden = true;
      this.cover.remove();
      const first = this.pictures?.[0];
      if (first?.sketch) {
        first.sketch.open = false;
        if (Array.isArray(said)) first.sketch.ys = said;
      }
      for (const part of this.answers) part.hidden = false;
    }

    #judge() {
      const { ask } = this.spec, kept = `truth:${this.spec.name}`; // as it was when asked, on the next visit too
      const truth = (this.isJudged ? store.get(kept) : undefined) ?? this.value(ask.truth);
      if (truth === undefined && ask.kind !== "sketch") return;
      if (store.get(kept) !== truth) store.set(kept, truth);
      const shown = (v) => (ask.kind === "choice" ? ask.options[ask.names.indexOf(v)] : format(v, ask.format));
      const right = ask.kind === "choice" ? this.guessed === truth : Math.abs(this.guessed - truth) <= ask.close * Math.abs(truth);
      if (ask.kind === "sketch") this.verdict.textContent = this.guessed ? words.sketch_beside : "";
      else if (this.guessed === null) this.verdict.textContent = words.it_is.replace("{truth}", shown(truth));
      else this.verdict.textContent = (right ? words.right : words.wrong).replace("{said}", shown(this.guessed)).replace("{truth}", shown(truth));
      const good = this.guessed !== null && right;
      this.verdict.dataset.right = good;
      if (ask.kind === "sketch" || store.get(`right:${this.spec.name}`) === good) return;
      store.set(`right:${this.spec.name}`, good);
      for (const scene of scenes) scene.touch(); // one of them may show the score
    }

    // Computing and drawing

    touch() { schedule(this); }

    /** Bring the outcome up to date, then the pictures. */
    compute(again = false) {
      const { run } = this.spec;
      if (!run) return this.draw();
      const reads = Object.fromEntries(run.reads.map((name) => [name, state[name]]));
      const key = run.reads.map((name) => String(reads[name])).join(" ");
      if (key === this.key && !again) return this.draw();
      this.key = key;
      if (run.kind === "kernel") {
        this.outcome = window.onelayer.kernels[run.run](reads, this.data);
        return this.draw();
      }
      const recorded = window.onelayer.data[page.slug].recordings?.[run.run];
      const found = recorded?.[key];
      if (found && !again) {
        this.outcome = { ...recorded.all, ...found };
        return this.draw();
      }
      if (page.live) this.#ask_library(reads);
    }

    /** Let the library compute, and show what it has so far; a newer state ends it. */
    async #ask_library(reads) {
      this.call?.abort();
      const call = (this.call = new AbortController());
      const bar = setTimeout(() => { this.busy.hidden = false; }, 150);
      try {
        const body = JSON.stringify(Object.fromEntries(Object.entries(reads).map(([name, v]) => [name, ArrayBuffer.isView(v) ? [...v] : v])));
        const answer = await fetch(`../run/${page.slug}/${this.spec.name}`, { method: "POST", body, signal: call.signal, headers: { "Content-Type": "application/json" } });
        if (!answer.ok) throw new Error(await answer.text());
        let rest = "";
        for await (const text of texts(answer.body)) {
          const lines = (rest + text).split("\n");
          rest = lines.pop();
          for (const line of lines) this.#arrived(JSON.parse(line));
        }
      } catch (error) {
        if (error.name !== "AbortError") this.line.textContent = words.stopped;
      } finally {
        clearTimeout(bar);
        if (this.call === call) this.busy.hidden = true;
      }
    }

    #arrived(found) {
      if (found.error) this.line.textContent = found.error;
      else {
        this.outcome = window.onelayer.decoded(found);
        this.draw();
      }
    }

    draw() {
      for (const widget of this.widgets) widget.update(this.value);
      if (this.spec.run && !this.outcome) return; // not computed yet
      if (this.answered && this.spec.ask) this.#judge();
      this.pictures.forEach((picture, i) => picture.update(this.value, this.#seen(i)));
      const open = this.answered;
      this.line.textContent = open && this.spec.outcome ? filled(this.spec.outcome, this.said) : "";
      for (const check of this.checks) check.update(this.value, open);
      for (const goal of this.missions) goal.update(this.value);
      for (const place of this.values) {
        const found = this.said(place.dataset.value);
        if (found !== undefined) place.textContent = format(found, place.dataset.format ?? "");
      }
      this.#light();
      this.section.dataset.drawn = true;
    }

    /** Light the line of the code that the clock is at, with what it has made. */
    #light() {
      const clock = this.spec.controls.find((control) => control.control === "clock");
      if (!this.lines.length || !clock) return;
      const single = clock.phases === 1 && this.lines.length > 1; // then each step has a line of its own
      const now = this.value(clock.name);
      const begun = this.answered && (now > 0 || clock.name in phases); // before the first step no line has run
      const phase = single ? now - 1 : begun ? phaseOf(clock) : -1;
      this.lines.forEach(({ line, note, says }, i) => {
        line.classList.toggle("lit", i === phase);
        const box = line.closest(".code"), below = line.offsetTop + line.offsetHeight > box.clientHeight + box.scrollTop;
        if (i === phase && (below || line.offsetTop < box.scrollTop)) box.scrollTop = line.offsetTop - 40;
        note.textContent = i <= phase ? filled(says, this.said) : "";
      });
    }
  }

  async function* texts(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  }

  /** Find the lines of the code that are lit, and put a place for what they made behind each. */
  function litLines(code, steps) {
    const lines = [...code.querySelectorAll(".line")];
    return steps.map((step) => {
      const line = lines.find((item) => item.textContent.includes(step.line));
      return { line, note: make("span", { class: "made" }, line), says: step.says };
    });
  }

  // Drawing once a frame, and only what is near the window

  const waiting = new Set(), near = new Set();
  let frame = 0;
  function schedule(scene) {
    waiting.add(scene);
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      for (const item of [...waiting]) if (near.has(item)) {
        waiting.delete(item);
        item.compute();
      }
    });
  }

  // Presenting: large, one scene a screen

  function present(on) {
    document.documentElement.classList.toggle("presenting", on);
    document.getElementById("present").setAttribute("aria-pressed", on);
    for (const scene of scenes) scene.draw();
    go(current ?? page.scenes[0].name);
  }
  function turnPage(by) {
    const i = page.scenes.findIndex((scene) => scene.name === current);
    const next = page.scenes[Math.min(Math.max(i + by, 0), page.scenes.length - 1)];
    go(next.name);
  }
  const keys = document.getElementById("keys");
  try { keys.checked = localStorage.getItem("onelayer:keys") !== "off"; } catch { keys.checked = true; }
  keys.addEventListener("change", () => { try { localStorage.setItem("onelayer:keys", keys.checked ? "on" : "off"); } catch { /* nothing is kept */ } });
  document.getElementById("present").addEventListener("click", () => present(!document.documentElement.classList.contains("presenting")));
  addEventListener("keydown", (event) => {
    if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=range]):not([type=radio]), select, textarea")) return;
    const presenting = document.documentElement.classList.contains("presenting");
    if (event.key.toLowerCase() === "p") present(!presenting);
    else if (presenting && event.key === "PageDown") { event.preventDefault(); turnPage(1); }
    else if (presenting && event.key === "PageUp") { event.preventDefault(); turnPage(-1); }
  });

  // Begin

  const place = recall();
  for (const spec of page.scenes) scenes.push(new Scene(spec));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const scene = scenes.find((item) => item.section === entry.target);
      if (entry.isIntersecting) near.add(scene);
      else near.delete(scene);
      if (entry.isIntersecting) schedule(scene);
    }
  }, { rootMargin: "400px" });
  const reading = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && current !== entry.target.id) {
      current = entry.target.id;
      for (const link of document.querySelectorAll("[data-scene]")) link.toggleAttribute("aria-current", link.dataset.scene === current);
      remember();
    }
  }, { rootMargin: "-45% 0px -50%" });
  for (const scene of scenes) {
    waiting.add(scene);
    watch.observe(scene.section);
    reading.observe(scene.section);
  }
  store.set("opened", true);
  for (const link of document.querySelectorAll("a[data-language]")) link.addEventListener("click", () => { link.hash = address(); });
  addEventListener("hashchange", () => {
    const to = recall();
    for (const scene of scenes) scene.touch();
    go(to);
  });
  /** Bring a scene into view, out of its fold if it is in one. */
  function go(name) {
    const section = document.getElementById(name), fold = section?.closest("details");
    if (fold) fold.open = true;
    section?.scrollIntoView({ behavior: "instant" });
  }
  if (place) requestAnimationFrame(() => go(place));
  document.documentElement.dataset.ready = "true";
})();
