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

  // Numbers as readers type them

  /** One number: 1,000 and 1,234.5 and 0,8 and 1.234,5 and 2e3. @param {string} text @returns {number | null} */
  function plain(text) {
    const [, digits, power] = text.match(/^([\d.,]*\d[\d.,]*)(e[-+]?\d+)?$/) ?? [];
    if (!digits) return null;
    let found = null;
    if (/^[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(digits)) found = digits.replaceAll(",", "");
    else if (/^\d*\.?\d*$/.test(digits)) found = digits;
    else if (/^\d*,\d+$/.test(digits)) found = digits.replace(",", ".");
    else if (/^[1-9]\d{0,2}(\.\d{3})+,\d+$/.test(digits)) found = digits.replaceAll(".", "").replace(",", ".");
    return found === null ? null : Number(found + (power ?? ""));
  }

  /** @type {Record<string, (x: number) => number>} */
  const FUNCTIONS = { log: Math.log, ln: Math.log, log2: Math.log2, log10: Math.log10, exp: Math.exp, sqrt: Math.sqrt };

  /** A number, or the logarithm of one. @param {string} text @returns {number | null} */
  function factor(text) {
    const [, minus, name, rest] = text.match(/^([-+]?)(log2(?=\()|log10(?=\()|log|ln|exp|sqrt)?(.*)$/) ?? ["", "", "", ""];
    const [, inner] = name ? rest.match(/^\((.*)\)$/) ?? ["", rest] : ["", rest];
    const size = name ? parsed(inner) : plain(inner);
    if (size === null) return null;
    return (minus === "-" ? -1 : 1) * (name ? FUNCTIONS[name](size) : size);
  }

  /**
   * A number as a reader writes it: 1,000 and 0,8, 12%, 1/3, 3 × 10⁻⁵, log 10 and ln 4 too; null for what is none.
   * @param {string} text
   * @param {string} [spec] the format of the answer: of a share a number without a sign is read as percent
   * @returns {number | null}
   */
  function parsed(text, spec = "") {
    if (/\d\s+\d+[/⁄]|\d\s*[¼½¾⅓⅔]/.test(text)) return null; // 1 1/2 is not 11/2
    const low = text.replace(/log₂\s*([\d.,]+)/i, "log2($1)").replace("log₂", "log2").replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+/g, (run) => `^${[...run].map((c) => (c === "⁻" ? "-" : RAISED.indexOf(c))).join("")}`).normalize("NFKC").toLowerCase();
    const clean = low.replace(/\s/g, "").replaceAll("−", "-").replaceAll("⁄", "/").replace(/[x×*·]?10\^/, (sign) => (sign.length > 3 ? "e" : "1e"));
    const share = clean.endsWith("%"), parts = clean.replace(/^[$¥€]/, "").replace(/%$|(?<=\d)\p{L}+$/u, "").split("/"); // a unit says nothing new
    if (parts.length > 2) return null;
    const [over, under] = parts.map(factor);
    if (over === null || under === null) return null;
    const value = under === undefined ? over : over / under;
    if (!Number.isFinite(value)) return null;
    return share || (spec.endsWith("%") && under === undefined) ? value / 100 : value;
  }

  Object.assign(window.onelayer ??= /** @type {any} */ ({ kernels: {}, data: {} }), { format, filled, parsed, raised });
})();
