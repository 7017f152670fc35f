// A lesson's page: the state of its controls, and the scenes that they move.
"use strict";

(async () => {
  await window.onelayer.ready; // its data
  const { filled, format, kept, make, nearest, phases, recalled, score, settle, written, Check, ClockFace, Goal, Menu, Presenting, Question, Slider } = window.onelayer;
  const page = JSON.parse(document.getElementById("lesson").textContent);
  const { words, labels } = page;
  const store = kept(`onelayer:${page.slug}`); // the reader's progress in this lesson
  const state = {}; // controls by name, of all scenes: those of one name are one
  const controls = {};
  const scenes = [];
  const changed = () => { for (const scene of scenes) scene.touch(); };
  const wide = { get score() { return score(page.scenes, store, words); } }; // what any scene may show

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
      for (const scene of scenes) if (scene.names.has(name)) {
        if (scene.question) scene.question.isJudged = scene.answered; // what was asked is not what a control does to it afterwards
        scene.touch();
      }
    }
    remember();
  }

  let current = null, timer = 0;
  const address = () => `#${current ?? page.scenes[0].name}${written(controls, state, first)}`;
  function remember() {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", address()), 150);
  }
  function recall() {
    const [place, found] = recalled(location.hash, controls, first, allowed);
    Object.assign(state, found);
    return place;
  }

  // While a finger or the mouse holds something, no mission is done: what is passed on the way is not what was brought about.
  let held = false;
  addEventListener("pointerdown", () => { held = true; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => {
    held = false;
    for (const scene of near) if (scene.missions.length) scene.touch();
  }, true);

  // A scene

  class Scene {
    constructor(spec) {
      this.spec = spec;
      this.section = document.getElementById(spec.name);
      const panel = (this.panel = this.section.querySelector(".panel"));
      this.outcome = spec.run ? null : {};
      this.data = Object.assign({}, ...(spec.run?.data ?? []).map((name) => window.onelayer.data[page.slug][name]));
      this.clocks = {}; // as far as they go by now: a run may still grow
      this.clock = spec.controls.find((control) => control.control === "clock");
      this.names = new Set(spec.controls.map((control) => control.name));
      const asked = spec.controls.filter((control) => control.control !== "pad").map((control) => [control.name, first(control)]);
      this.given = Object.assign(Object.create(state), Object.fromEntries(asked)); // what a question is about
      this.isClosed = Boolean(spec.ask);
      this.widgets = [];
      this.controls = make("fieldset", { class: "controls" }, panel);
      this.#controls(this.controls);
      this.#pictures(make("div", { class: "pictures" }, panel));
      this.code = panel.querySelector(".stepping");
      const bare = !spec.controls.length && !spec.pictures.length && !this.code; // then claims stand below the prose
      this.#foot(make("div", { class: "foot" }, bare ? this.section.querySelector(".prose") : panel));
      if (this.code) panel.append(this.code);
      this.lines = this.code ? litLines(this.code, spec.code.steps) : [];
      this.controls.disabled = this.isGiven;
      if (spec.ask) this.question = new Question(this, this.section.querySelector(".ask"), { words, store, changed });
      this.values = [...this.section.querySelectorAll("[data-value]")];
      panel.hidden = bare;
    }

    // A question closes a scene: its pictures are covered, and its controls are as the question takes them.

    get answered() { return !this.isClosed; }
    get isGiven() { return this.isClosed && !this.spec.ask.own && !this.spec.ask.seen.length; }
    get state() { return this.isGiven ? this.given : state; }

    /** Set the controls to what was asked. */
    adopt() { if (this.isGiven) set({ ...this.given }); }

    /** @param {any} said by the reader: a sketch stays beside the answer */
    open(said) {
      this.isClosed = this.controls.disabled = false;
      this.cover.remove();
      const sketch = this.pictures[0]?.sketch;
      if (!sketch) return;
      sketch.open = false;
      if (Array.isArray(said)) sketch.ys = said;
    }

    close() {
      this.isClosed = true;
      this.controls.disabled = this.isGiven;
      this.guess = null;
      this.cover.hidden = false;
      this.covered.append(this.cover);
      this.pictures[0]?.sketch?.reset();
    }

    /** Look a name up: in the outcome, in the data, among the controls; a number is itself, ``field.control`` an element. */
    #look(name, outcome, clocks) {
      if (typeof name !== "string") return name;
      const [field, ...places] = name.split(".");
      const found = [outcome ?? {}, this.data, clocks, this.state, wide].find((fields) => field in fields)?.[field];
      return places.reduce((part, place) => part?.[clocks[place] ?? this.state[place] ?? place], found);
    }
    value = (name) => this.#look(name, this.outcome, this.clocks);

    /** The same for what is read: names that are words are those words. */
    said = (name) => worded(this.value(name));

    #controls(row) {
      const scene = this, board = { live: page.live, words, set, get state() { return scene.state; } }; // what controls see and do
      for (const spec of this.spec.controls) {
        if (spec.control === "number" && spec.slider) this.widgets.push(new Slider(spec, row, board));
        if (spec.control === "choice") this.widgets.push(new Menu(spec, row, board));
        if (spec.control === "clock") this.widgets.push(new ClockFace(spec, row, board, this));
      }
      if (this.spec.run?.kind === "live") this.#again(row);
      row.hidden = !row.childElementCount;
    }

    /** A measurement can be made again where the library is at hand; else it is said where it was made. */
    #again(row) {
      if (page.live) make("button", { type: "button", class: "again", text: words.again }, row).addEventListener("click", () => this.compute(true));
      else make("small", { class: "recorded", text: words.recorded.replace("{machine}", window.onelayer.data[page.slug]?.machine ?? "–") }, row);
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
        const actions = { set, words, labels, control: (name) => controls[name], sketched: (ys) => { this.guess = ys; this.cover.hidden = true; } };
        if (spec.picture === "drawing") return new window.onelayer.Pad(spec, host, actions);
        return new window.onelayer.pictures[spec.picture]({ ...spec, sketch: sketched && i === 0 }, host, actions);
      });
      this.row = row;
      if (this.spec.pictures.length > 1) this.#tabs();
      if (!this.spec.ask) return;
      this.covered = [...row.children].find((_, i) => !this.spec.ask.seen.includes(i)) ?? row;
      this.cover = make("p", { class: "cover", text: sketched ? words.sketch_first : words.answer_first }, this.covered);
    }

    /** Whether a picture may be seen: after the answer, or because the question is about it. */
    #seen(i) { return this.answered || this.spec.ask.seen.includes(i); }

    /** Where there is little room pictures are behind tabs. */
    #tabs() {
      this.tabs = make("div", { class: "tabs", role: "group", "aria-label": words.pictures }, this.panel);
      this.spec.pictures.forEach((spec, i) => make("button", { type: "button", text: spec.name }, this.tabs).addEventListener("click", () => { this.#show(i); this.draw(); }));
      this.#show(0);
    }
    #show(i) {
      this.panel.dataset.tab = i;
      [...this.tabs.children].forEach((tab, k) => tab.setAttribute("aria-pressed", k === i));
    }

    #foot(foot) {
      this.line = make("p", { class: `outcome${this.spec.outcome ? "" : " none"}`, role: "status" }, foot);
      this.busy = make("progress", { hidden: "" }, foot);
      this.checks = this.spec.claims.map((claim) => new Check(claim, foot, { words, labels }));
      this.missions = this.spec.missions.map((mission) => new Goal(mission, this.spec.name, foot, { words, store }));
      foot.hidden = !this.spec.outcome && !this.checks.length && !this.missions.length && this.spec.run?.kind !== "live";
    }

    // Computing

    touch() { schedule(this); }

    /** What an experiment reads, with a control or two as they will be. */
    #reads(ahead = {}) { return Object.fromEntries(this.spec.run.reads.map((name) => [name, ahead[name] ?? this.state[name]])); }

    /** Bring the outcome up to date, then the pictures. */
    compute(again = false) {
      if (!this.spec.run) return this.draw();
      const reads = this.#reads(), key = keyOf(reads);
      if (key === this.key && !again) return this.draw();
      this.key = key;
      const known = again ? null : this.#known(reads);
      if (known) {
        this.outcome = known;
        this.draw();
      } else if (page.live) this.#ask_library(reads, (found) => { this.outcome = found; });
    }

    /** What a kernel finds at once, what is recorded, or what was asked for in advance. */
    #known(reads) {
      const { run } = this.spec, key = keyOf(reads);
      if (run.kind === "kernel") return window.onelayer.kernels[run.run](reads, this.data);
      if (this.next?.key === key) return this.next.found;
      const recorded = window.onelayer.data[page.slug].recordings?.[run.run], found = recorded?.[key];
      return found && { ...recorded.all, ...found };
    }

    /** Let the library compute, and show what it has so far; a newer state ends it. */
    async #ask_library(reads, arrived) {
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
          for (const line of lines) this.#arrived(JSON.parse(line), arrived);
        }
      } catch (error) {
        if (error.name !== "AbortError") this.line.textContent = words.stopped;
      } finally {
        clearTimeout(bar);
        if (this.call === call) this.busy.hidden = true;
      }
    }

    #arrived(found, arrived) {
      if (found.error) this.line.textContent = found.error;
      else {
        arrived(window.onelayer.decoded(found));
        this.draw();
      }
    }

    // Drawing

    draw() {
      for (const widget of this.widgets) widget.update(this.value);
      if (this.spec.run && !this.outcome) return; // not computed yet
      if (this.answered) this.question?.judge();
      this.#update();
      const open = this.answered;
      this.line.textContent = open && this.spec.outcome ? filled(this.spec.outcome, this.said) : "";
      for (const check of this.checks) check.update(this.value, open);
      if (!held) for (const goal of this.missions) goal.update(this.value);
      for (const place of this.values) {
        const found = this.said(place.dataset.value);
        if (found !== undefined) place.textContent = format(found, place.dataset.format ?? "");
      }
      this.#light();
      if (this.before) this.#follow();
      this.section.dataset.drawn = true;
    }

    #update(hidden = false) { this.pictures.forEach((picture, i) => picture.update(this.value, this.#seen(i), hidden)); }

    // A step moves some pictures; if none of them is in sight, one comes to the front.

    #looks() {
      this.#update(true);
      return [...this.row.querySelectorAll(".picture")].map((host) => host.innerHTML + [...host.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()).join());
    }
    watchStep() { if (this.tabs && this.outcome) this.before = this.#looks(); }
    #follow() {
      const moved = this.#looks().map((look, i) => look !== this.before[i]);
      this.before = null;
      if (moved[+this.panel.dataset.tab] || !moved.includes(true)) return;
      this.#show(moved.indexOf(true));
      this.#update();
    }

    /** Light the line of the code that has run last, with what it has made: until its last line a step is not shown otherwise. */
    #light() {
      const { clock, lines } = this;
      if (!lines.length || !clock) return;
      const single = clock.phases === 1 && lines.length > 1; // then each step has a line of its own
      const now = this.value(clock.name), under = this.answered ? phases[clock.name] : undefined;
      const done = this.answered && now > 0; // before the first step no line has run
      const phase = single ? (done ? now - 1 : -1) : under ?? (done ? clock.phases - 1 : -1);
      const said = under === undefined ? this.said : this.#ahead();
      lines.forEach(({ line, note, says }, i) => {
        line.classList.toggle("lit", i === phase);
        note.textContent = i <= phase ? filled(says, said) : "";
      });
      const lit = lines[phase]?.line, box = lit?.closest(".code");
      if (!lit) return;
      const below = lit.offsetTop + lit.offsetHeight > box.clientHeight + box.scrollTop;
      if (below || lit.offsetTop < box.scrollTop) box.scrollTop = Math.max(lit.offsetTop - 40, lit.offsetTop + lit.offsetHeight - box.clientHeight);
    }

    /** What is said of the step that is under way. */
    #ahead() {
      const { name } = this.clock, next = { [name]: this.value(name) + 1 };
      let outcome = this.outcome;
      if (this.spec.run.reads.includes(name)) {
        const reads = this.#reads(next), key = keyOf(reads), known = this.#known(reads);
        if (known) outcome = known;
        else if (page.live && this.asked !== key) {
          this.asked = key;
          this.#ask_library(reads, (found) => { this.next = { key, found }; });
        }
      }
      const clocks = { ...this.clocks, ...next };
      return (field) => worded(this.#look(field, outcome, clocks));
    }
  }

  const worded = (found) => (typeof found === "string" ? labels[found] ?? found : found);
  const keyOf = (reads) => Object.values(reads).map(String).join(" ");

  async function* texts(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  }

  /** Find the lines of the code that are lit, and put a place for what they made behind each. */
  function litLines(code, steps) {
    const lines = [...code.querySelectorAll(".line")];
    return steps.map((step) => {
      const line = lines.find((item) => item.textContent.includes(step.line));
      const source = make("span", { class: "source" });
      source.append(...line.childNodes);
      line.replaceChildren(source);
      line.classList.add("noted");
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

  /** Scenes out of sight, too, when there is time: what is printed or searched has its numbers. */
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 200));
  function fill() {
    const next = scenes.find((scene) => waiting.has(scene) && !(page.live && scene.spec.run && scene.spec.run.kind !== "kernel"));
    if (!next) return;
    waiting.delete(next);
    next.compute();
    idle(fill);
  }

  // Going from scene to scene

  let settling = () => false;

  /** Bring a scene into view, out of its fold if it is in one. */
  function go(name) {
    const section = document.getElementById(name), fold = section?.closest("details");
    if (!section) return;
    if (fold) fold.open = true;
    read(name);
    settling = settle(section);
  }
  function read(name) {
    current = name;
    for (const link of document.querySelectorAll("[data-scene]")) link.toggleAttribute("aria-current", link.dataset.scene === name);
    remember();
  }
  function turn(by) {
    const i = page.scenes.findIndex((scene) => scene.name === current);
    go(page.scenes[Math.min(Math.max(i + by, 0), page.scenes.length - 1)].name);
  }

  // Begin

  const place = recall();
  for (const spec of page.scenes) scenes.push(new Scene(spec));
  const presenting = new Presenting({ words, turn, turned() {
    for (const scene of scenes) scene.draw();
    go(current ?? page.scenes[0].name);
  } });
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const scene = scenes.find((item) => item.section === entry.target);
      if (entry.isIntersecting) near.add(scene);
      else near.delete(scene);
      if (entry.isIntersecting) schedule(scene);
    }
  }, { rootMargin: "400px" });
  const reading = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && current !== entry.target.id && !settling()) read(entry.target.id);
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
    changed();
    go(to);
  });
  if (place) {
    history.scrollRestoration = "manual";
    requestAnimationFrame(() => go(place));
  } else if (presenting.on) go(page.scenes[0].name);
  document.documentElement.dataset.ready = "true";
  idle(fill);
})();
