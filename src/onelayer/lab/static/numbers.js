// Numbers as readers write them: formats such as ",.2f" and ".3g" as in Python, with 3 × 10⁻⁵ for 3e-05.
// @ts-check
"use strict";

(() => {
  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const raised = (/** @type {number} */ n) =>
    (n < 0 ? "⁻" : "") + [...String(Math.abs(n))].map((digit) => RAISED[+digit]).join("");

  /** @param {string} digits @param {string} comma */
  const grouped = (digits, comma) => {
    const [whole, rest] = digits.split(".");
    const parted = comma ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
    return rest === undefined ? parted : `${parted}.${rest}`;
  };

  /** @param {string} text as toExponential returns it */
  const scientific = (text) => {
    const [mantissa, exponent] = text.split("e");
    return `${mantissa} × 10${raised(+exponent)}`;
  };

  /** @param {number} size @param {number} precision @param {string} comma */
  function general(size, precision, comma) {
    if (size === 0) return "0";
    const exponent = +size.toExponential(precision - 1).split("e")[1];
    const trimmed = (/** @type {string} */ text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (exponent >= -5 && exponent < Math.max(precision, 6)) {
      return grouped(trimmed(size.toFixed(Math.max(0, precision - 1 - exponent))), comma);
    }
    const [mantissa, power] = size.toExponential(precision - 1).split("e");
    return scientific(`${trimmed(mantissa)}e${power}`);
  }

  /**
   * Write a value in a format of Python's; a string stays as it is.
   * @param {any} value
   * @param {string} [spec] such as ",.2f", ".3g", ".0%", ",d", ".1e", "+.2f"
   */
  function format(value, spec = "") {
    if (typeof value === "boolean") return value ? "✓" : "✗";
    if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
    if (Number.isNaN(value)) return "NaN";
    const [, plus, comma, digits, kind] = spec.match(/^(\+?)(,?)(?:\.(\d+))?([fegd%]?)$/) ?? ["", "", "", "", ""];
    const size = Math.abs(value);
    let text;
    if (size === Infinity) text = "∞";
    else if (kind === "d") text = grouped(size.toFixed(0), comma);
    else if (kind === "f") text = grouped(size.toFixed(+(digits ?? 6)), comma);
    else if (kind === "%") text = `${grouped((100 * size).toFixed(+(digits ?? 0)), comma)}%`;
    else if (kind === "e") text = scientific(size.toExponential(+(digits ?? 6)));
    else text = general(size, +(digits || 6) || 1, comma || (spec ? "" : ","));
    const shown = /[1-9∞]/.test(text);
    return (value < 0 && shown ? "−" : plus) + text;
  }

  /**
   * Fill in a text: {name} or {name:format}.
   * @param {string} text
   * @param {(name: string) => any} value
   */
  const filled = (text, value) =>
    text.replace(/\{([\w.]+)(?::([^}]*))?\}/g, (_, name, spec) => format(value(name), spec));

  Object.assign(window.onelayer ??= /** @type {any} */ ({ kernels: {}, data: {} }), { format, filled, raised });
})();
