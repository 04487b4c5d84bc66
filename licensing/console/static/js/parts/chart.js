// A chart of purchased and assigned seats over time: an SVG for the eye, a table for everybody.

import { day, number } from "../words.js";
import { h, svg } from "./dom.js";

const WIDTH = 720;
const HEIGHT = 220;
const EDGE = { left: 40, right: 12, top: 12, bottom: 26 };

/* points: [{ at, purchased, assigned }], oldest first */
export function chart(points, caption) {
  const scale = scaleOf(points);
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": `${caption}. ${summary(points)}`,
      class: "chart",
    },
    scale.steps.map((step) => gridLine(step, scale)),
    dates(points, scale),
    svg("path", {
      class: "area",
      d: `${steps(points, "assigned", scale)}V${scale.y(0)}H${scale.x(points[0])}Z`,
    }),
    svg("path", { class: "line assigned", d: steps(points, "assigned", scale) }),
    svg("path", { class: "line purchased", d: steps(points, "purchased", scale) }),
  );
  return h("figure", {}, legend(points), picture, table(points, caption));
}

function scaleOf(points) {
  const instants = points.map(({ at }) => Date.parse(at));
  const [first, last] = [instants[0], instants.at(-1)];
  const top = Math.max(1, ...points.flatMap(({ purchased, assigned }) => [purchased, assigned]));
  const size = niceStep(top / 4);
  const ceiling = Math.ceil(top / size) * size;
  const inner = { width: WIDTH - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  return {
    x: ({ at }) => Math.round(EDGE.left + ((Date.parse(at) - first) / (last - first || 1)) * inner.width),
    y: (value) => Math.round(EDGE.top + (1 - value / ceiling) * inner.height),
    steps: Array.from({ length: ceiling / size + 1 }, (_, n) => n * size),
  };
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? power * 10;
}

function steps(points, name, { x, y }) {
  const [first, ...rest] = points;
  return rest.reduce(
    (path, point) => `${path}H${x(point)}V${y(point[name])}`,
    `M${x(first)} ${y(first[name])}`,
  );
}

function gridLine(step, { y }) {
  return svg(
    "g",
    { class: "grid" },
    svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(step), y2: y(step) }),
    svg("text", { x: EDGE.left - 8, y: y(step) + 4, "text-anchor": "end" }, number(step)),
  );
}

function dates(points, { x }) {
  const places = [points[0], points[Math.floor((points.length - 1) / 2)], points.at(-1)];
  const anchors = ["start", "middle", "end"];
  return [...new Set(places)].map((point, n) =>
    svg("text", { class: "date", x: x(point), y: HEIGHT - 6, "text-anchor": anchors[n] }, day(point.at)),
  );
}

function legend(points) {
  const now = points.at(-1);
  return h(
    "figcaption",
    { class: "legend" },
    h("span", { class: "key purchased" }, `Purchased ${number(now.purchased)}`),
    h("span", { class: "key assigned" }, `Assigned ${number(now.assigned)}`),
  );
}

function summary(points) {
  const [first, last] = [points[0], points.at(-1)];
  const said = ({ at, purchased, assigned }) => `${day(at)}: ${purchased} purchased, ${assigned} assigned`;
  return first === last ? said(last) : `${said(first)}; ${said(last)}`;
}

function table(points, caption) {
  const changed = points.filter(
    (point, n) => n === 0 || ["purchased", "assigned"].some((name) => point[name] !== points[n - 1][name]),
  );
  return h(
    "details",
    {},
    h("summary", {}, "Show as a table"),
    h(
      "table",
      { class: "plain" },
      h("caption", { class: "unseen" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["From", "Purchased", "Assigned"].map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        changed.map(({ at, purchased, assigned }) =>
          h(
            "tr",
            {},
            [day(at), number(purchased), number(assigned)].map((text) => h("td", {}, text)),
          ),
        ),
      ),
    ),
  );
}
