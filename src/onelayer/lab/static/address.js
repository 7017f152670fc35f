// What outlasts a page: settings and the scene in its address, what the reader has done in the browser's store.
"use strict";

(() => {
  /** A drawing in 16 shades, two pixels a byte. */
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

  /** Write the controls that differ from how they start, as the end of an address. */
  function written(controls, state, first) {
    const changed = Object.keys(controls).filter((name) => state[name] !== first(controls[name]));
    const query = changed.map((name) => `${name}=${controls[name].control === "pad" ? packed(state[name]) : encodeURIComponent(state[name])}`);
    return query.length ? `?${query.join("&")}` : "";
  }

  /** Read them again: the scene, and what an address says of controls. */
  function recalled(hash, controls, first, allowed) {
    const [place, query] = hash.slice(1).split("?"), found = {};
    for (const [name, text] of new URLSearchParams(query ?? "")) {
      const control = controls[name];
      if (!control) continue;
      const option = control.control === "choice" && control.names.find((known) => String(known) === text);
      found[name] = control.control === "pad" ? unpacked(text) ?? first(control) : allowed(control, option === undefined || option === false ? +text : option);
    }
    return [place, found];
  }

  /** What the browser keeps under a name, if it keeps anything: for good, or while the tab is open. */
  function kept(name, where = "localStorage") {
    let found = {};
    try { found = JSON.parse(window[where].getItem(name)) ?? {}; } catch { /* a browser may keep nothing */ }
    return {
      get: (key) => found[key],
      set(key, value) {
        found[key] = value;
        try { window[where].setItem(name, JSON.stringify(found)); } catch { /* as above */ }
      },
    };
  }

  let settled = () => {};
  /**
   * Bring a place into view, and again whenever what is above it changes its height, until the reader's first input.
   * @returns {() => boolean} whether it may still move
   */
  function settle(section) {
    let open = true;
    settled();
    const show = () => section.scrollIntoView({ behavior: "instant" });
    const watch = new ResizeObserver(() => open && show());
    watch.observe(document.body);
    const end = () => { open = false; watch.disconnect(); };
    for (const input of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(input, end, { once: true, capture: true, passive: true });
    setTimeout(end, 10_000);
    settled = end;
    show();
    return () => open;
  }

  Object.assign(window.onelayer, { kept, recalled, settle, written });
})();
