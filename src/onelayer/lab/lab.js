// A lesson's page: keys scroll it, and after a reload or "Back" it is where the reader left it.
const opening = document.getElementById("lab-opening");
let read = 0; // how far down the reader is in the prose that comes before the notebook
opening.addEventListener("scroll", () => (read = opening.scrollTop), { passive: true });

const headings = () => [...document.querySelectorAll("#root h2, #root h3")];

// A place is a heading and how far below the window's top it is: heights change with the window and with the controls.
function place() {
  const tops = headings().map((heading) => heading.getBoundingClientRect().top);
  const heading = Math.max(0, tops.findLastIndex((top) => top < innerHeight / 3));
  return { heading, top: tops[heading] };
}

// Formulas and charts still find their heights: stay at the place until all are there, or the reader moves.
function stayAt({ heading, top }, scroller) {
  let moved = false;
  for (const kind of ["wheel", "touchstart", "keydown", "pointerdown"])
    addEventListener(kind, () => (moved = true), { once: true, passive: true });
  let complete;
  const stay = (now) => {
    if (moved || now - complete > 3000) return;
    if (document.querySelector('#root [data-testid="footer"]')) complete ??= now;
    const found = headings()[heading];
    if (found) scroller.scrollTop += found.getBoundingClientRect().top - top;
    requestAnimationFrame(stay);
  };
  requestAnimationFrame(stay);
}

new MutationObserver((_, observer) => {
  if (!document.querySelector('#root [data-testid="header"]')) return;
  observer.disconnect();
  const scroller = document.getElementById("App"); // marimo scrolls this, not the page
  scroller.tabIndex = -1;
  if (document.activeElement === document.body) scroller.focus({ preventScroll: true });
  const [{ type }] = performance.getEntriesByType("navigation");
  const left = type !== "navigate" && JSON.parse(sessionStorage.getItem(location.pathname));
  if (left) stayAt(left, scroller);
  else scroller.scrollTop = read;
  addEventListener("pagehide", () => sessionStorage.setItem(location.pathname, JSON.stringify(place())));
}).observe(document.body, { childList: true, subtree: true });
