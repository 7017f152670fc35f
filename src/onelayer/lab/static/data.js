// The data of lessons, which files of their own register: arrays come as base64 of their bytes, the large ones packed.
"use strict";

(() => {
  const TYPES = { f8: Float64Array, f4: Float32Array, u1: Uint8Array, i4: Int32Array, u4: Uint32Array };

  const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  /** Unpack (inflate) what came packed, in its place: that takes the browser a moment, which `ready` waits for. */
  async function unpack(item) {
    if (typeof item !== "object" || item === null) return;
    if (typeof item.packed !== "string") return Promise.all(Object.values(item).map(unpack));
    const plain = new Blob([bytesOf(item.packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
    item.bytes = new Uint8Array(await new Response(plain).arrayBuffer());
  }

  async function register(slug, data) {
    await unpack(data);
    window.onelayer.data[slug] = decoded(data);
  }

  /** Numbers of 16 bits as floats. @param {ArrayBuffer} buffer */
  function halves(buffer) {
    return Float32Array.from(new Uint16Array(buffer), (bits) => {
      const [sign, power, part] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      return sign * (power ? 2 ** (power - 15) * (1 + part / 1024) : 2 ** -14 * (part / 1024));
    });
  }

  /** An array of arrays of ... by its shape, without a copy. */
  function shaped(numbers, shape) {
    if (shape.length < 2) return numbers;
    const size = numbers.length / shape[0];
    return Array.from({ length: shape[0] }, (_, i) => shaped(numbers.subarray(i * size, (i + 1) * size), shape.slice(1)));
  }

  /** Return what JSON says, its arrays made of their bytes. */
  function decoded(item) {
    if (Array.isArray(item)) return item.map(decoded);
    if (typeof item !== "object" || item === null) return item;
    if (!("$" in item)) return Object.fromEntries(Object.entries(item).map(([name, part]) => [name, decoded(part)]));
    if (item.$ === "number") return Number(item.data); // which JSON lacks: NaN, Infinity
    const { buffer } = item.bytes ?? bytesOf(item.data);
    return shaped(item.$ === "f2" ? halves(buffer) : new TYPES[item.$](buffer), item.shape);
  }

  window.onelayer ??= { kernels: {}, data: {} };
  Object.assign(window.onelayer, { decoded, register: (slug, data) => { window.onelayer.ready = register(slug, data); } });
})();
