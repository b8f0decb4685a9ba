// Regions of a picture answer to the pointer and to the arrow keys: what is known of the region, and what both sides
// compute at the chosen point. Texts enter as text, never as markup; nothing is loaded and nothing is stored.
"use strict";
(() => {
  const STEPS = 64; // of an arrow key from one side to the other

  const number = (text) => {
    const [p, q] = text.split("/");
    return q === undefined ? Number(p) : Number(p) / Number(q);
  };
  const rounded = (x) => String(Number(x.toPrecision(6))).replace("-", "\u2212");
  const within = (x, low, high) => Math.min(Math.max(x, low), high);

  function element(name, text, parent) {
    const made = document.createElement(name);
    if (text !== null) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  // Corners of the cells of a path: "M0 0L10 0L0 10Z..." has one cell from each M to its Z.
  const cellsOf = (path) =>
    path.getAttribute("d").split("M").slice(1).map((cell) =>
      cell.replace("Z", "").split("L").map((corner) => corner.trim().split(" ").map(Number)));

  function inside(corners, x, y) {
    let sign = 0;
    for (let i = 0; i < corners.length; i++) {
      const [a, b] = corners[i], [c, d] = corners[(i + 1) % corners.length];
      const turn = (c - a) * (y - b) - (d - b) * (x - a);
      if (Math.abs(turn) < 1e-6) continue;
      if (sign && Math.sign(turn) !== sign) return false;
      sign = Math.sign(turn);
    }
    return true;
  }

  function interactive(figure, data) {
    const svg = figure.querySelector("svg"), frame = svg.querySelector("g");
    const details = new Map(data.details.map((detail) => [detail.region, detail]));
    const axes = data.axes.map((axis) => ({ name: axis.name, low: number(axis.low), high: number(axis.high) }));
    const cells = [];
    for (const path of frame.querySelectorAll("path[data-regions]")) {
      const regions = path.dataset.regions.split(" ").map(Number);
      const label = path.querySelector("title").textContent;
      cellsOf(path).forEach((corners, i) => cells.push({ region: regions[i], corners, label }));
    }
    for (const [left, right, region] of data.pieces) {
      const [a, b] = [left / 100, right / 100];
      cells.push({ region, corners: [[a, 0], [b, 0], [b, data.height], [a, data.height]], label: "" });
    }
    if (!cells.length || axes.some((axis) => !Number.isFinite(axis.low) || !Number.isFinite(axis.high))) return;

    const drawn = (name) => document.createElementNS(svg.namespaceURI, name);
    const outline = drawn("path"), mark = drawn("circle");
    for (const part of [outline, mark]) {
      part.setAttribute("class", "chosen");
      frame.append(part);
    }
    mark.setAttribute("r", "4");
    const panel = element("div", null, figure);
    panel.className = "asked";
    const place = element("p", "Point at a region, use the arrow keys in the picture, or write a point: ", panel);
    const inputs = axes.map((axis) => {
      const label = element("label", axis.name + " = ", place), input = element("input", null, label);
      input.inputMode = "decimal";
      return input;
    });
    const answer = element("div", null, panel);
    answer.setAttribute("role", "status");
    answer.setAttribute("aria-live", "polite");
    const state = { x: data.width / 2, y: data.height / 2 };

    const pointAt = (x, y) =>
      [x / data.width, 1 - y / data.height].slice(0, axes.length)
        .map((share, i) => axes[i].low + share * (axes[i].high - axes[i].low));

    function choose(x, y, point) {
      state.x = x;
      state.y = y;
      const cell = cells.find(({ corners }) => inside(corners, x, y));
      mark.setAttribute("cx", x);
      mark.setAttribute("cy", axes.length === 1 ? data.height : y);
      outline.setAttribute("d", cell ? "M" + cell.corners.map((c) => c.join(" ")).join("L") + "Z" : "");
      if (!point) inputs.forEach((input, i) => { input.value = String(Number(pointAt(x, y)[i].toPrecision(6))); });
      show(cell, point || pointAt(x, y));
    }

    function show(cell, point) {
      answer.replaceChildren();
      if (!cell) {
        element("p", "No region of the picture is here.", answer);
        return;
      }
      const head = element("p", null, answer);
      element("strong", "Region " + cell.region, head);
      const detail = details.get(cell.region);
      if (!detail) {
        if (cell.label) head.append(": " + cell.label);
        return;
      }
      const list = element("dl", null, answer);
      for (const [name, text] of detail.facts) {
        element("dt", name, list);
        element("dd", text, list);
      }
      if (detail.values.length) table(detail.values, point);
    }

    function table(values, point) {
      const scroll = element("div", null, answer), found = element("table", null, scroll);
      scroll.className = "scroll";
      element("caption", "What is computed at the point, rounded", found);
      const top = element("tr", null, element("thead", null, found));
      for (const name of ["Place", ...data.sides]) element("th", name, top).scope = "col";
      const body = element("tbody", null, found);
      for (const [name, ...sides] of values) {
        const row = element("tr", null, body);
        element("td", name, row);
        for (const map of sides.slice(0, data.sides.length)) {
          const value = map.length ? map.map(number).reduce((sum, c, i) => sum + c * (i < point.length ? point[i] : 1), 0) : null;
          element("td", value === null ? "" : rounded(value), row).className = "r";
        }
      }
    }

    svg.setAttribute("tabindex", "0");
    svg.addEventListener("pointermove", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(frame.getScreenCTM().inverse());
      if (at.x >= 0 && at.y >= 0 && at.x <= data.width && at.y <= data.height) choose(at.x, at.y);
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const fine = event.shiftKey ? 8 * STEPS : STEPS;
      choose(within(state.x + (step[0] * data.width) / fine, 0, data.width),
        within(state.y + (step[1] * data.height) / fine, 0, data.height));
    });
    const written = () => {
      const point = inputs.map((input) => (input.value.trim() ? number(input.value.replace("\u2212", "-")) : NaN));
      if (point.every((x, i) => x >= axes[i].low && x <= axes[i].high)) {
        const shares = point.map((x, i) => (x - axes[i].low) / (axes[i].high - axes[i].low));
        choose(shares[0] * data.width, axes.length === 1 ? data.height / 2 : (1 - shares[1]) * data.height, point);
      } else {
        outline.setAttribute("d", "");
        answer.replaceChildren();
        element("p", "Not a point of the picture: numbers like 1/3 or 0.25, between " +
          data.axes.map((axis) => axis.low + " and " + axis.high).join("; ") + ".", answer);
      }
    };
    inputs.forEach((input) => input.addEventListener("change", written));
  }

  for (const block of document.querySelectorAll("script.details")) {
    interactive(block.closest("figure"), JSON.parse(block.textContent));
  }
})();
