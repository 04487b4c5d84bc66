// What an import would do or has done: a tally, and every line that is refused.

import { h } from "../parts/dom.js";
import { named, refusal } from "../parts/refusal.js";
import { count, number } from "../words.js";

const MOST_SHOWN = 200;

export function outcomeOf(found, verb) {
  const { lines, good, refused, wrong, stopped } = found;
  const same = lines.filter(({ outcome }) => outcome === "unchanged").length;
  const bad = lines.filter(({ outcome }) => outcome === "refused");
  return [
    wrong && refusal(wrong),
    stopped &&
      h(
        "p",
        { class: "message bad" },
        `It stopped at line ${number(stopped.places[0])}. The lines before it are applied; the file can be applied again from there.`,
      ),
    lines.length > 0 &&
      h(
        "p",
        { class: "tally" },
        `${count(good, "line")} ${verb}${same ? `, ${number(same)} already so` : ""}${refused ? `, ${number(refused)} refused` : ""}.`,
      ),
    bad.length > 0 && table(bad),
  ].filter(Boolean);
}

function table(bad) {
  const more = bad.length - MOST_SHOWN;
  const row = ({ place, problem }) =>
    h("tr", {}, h("th", { scope: "row" }, number(place)), h("td", {}, named(problem?.detail ?? "Refused.")));
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Lines that are refused" },
    h(
      "table",
      { class: "plain" },
      h(
        "thead",
        {},
        h("tr", {}, h("th", { scope: "col" }, "Line"), h("th", { scope: "col" }, "Why it is refused")),
      ),
      h(
        "tbody",
        {},
        bad.slice(0, MOST_SHOWN).map(row),
        more > 0 && h("tr", {}, h("td", { colspan: 2 }, `and ${count(more, "other line")}`)),
      ),
    ),
  );
}
