/*
 * Read-outs of the report's charts: the point nearest to the pointer is marked and its text shown.
 * The page is whole without it: the same text is the title of each point.
 */
(() => {
  const tip = document.getElementById("tip");
  let marked = null;

  function clear() {
    marked?.classList.remove("on");
    marked = null;
    tip.hidden = true;
  }

  function nearest(chart, x, y) {
    let best = null;
    let least = 60 ** 2;
    for (const point of chart.querySelectorAll(".point")) {
      const box = point.getBoundingClientRect();
      const dx = box.left + box.width / 2 - x;
      const dy = box.top + box.height / 2 - y;
      const distance = dx * dx + dy * dy;
      if (distance < least) {
        least = distance;
        best = point;
      }
    }
    return best;
  }

  function show(event) {
    const chart = event.target.closest?.(".chart");
    const point = chart && nearest(chart, event.clientX, event.clientY);
    if (point === marked) return;
    clear();
    if (!point) return;
    marked = point;
    point.classList.add("on");
    tip.textContent = point.querySelector("title").textContent;
    tip.hidden = false;
    const box = point.getBoundingClientRect();
    const left = Math.min(box.left + 12, innerWidth - tip.offsetWidth - 8);
    const top = box.top - tip.offsetHeight - 8;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${top < 8 ? box.bottom + 8 : top}px`;
  }

  addEventListener("pointermove", show, { passive: true });
  addEventListener("pointerdown", show, { passive: true });
  addEventListener("scroll", clear, { passive: true });
})();
