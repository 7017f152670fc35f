// The index: what the reader has opened, answered and done, as this browser remembers it.
"use strict";

for (const link of document.querySelectorAll("[data-lesson]")) {
  let found = null;
  try { found = JSON.parse(localStorage.getItem(`onelayer:${link.dataset.lesson}`)); } catch { /* a browser may keep nothing */ }
  if (!found) continue;
  const done = Object.keys(found).filter((key) => key.startsWith("mission:")).length;
  const mark = document.createElement("em");
  mark.className = "progress";
  mark.textContent = done ? `★ ${done}` : "✓";
  link.append(mark);
  document.querySelector(".legend").hidden = false;
}
