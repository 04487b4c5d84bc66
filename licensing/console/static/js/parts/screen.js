// What all screens are made of: a heading, and a region that loads, fails, or shows something.

import { button, fill, h } from "./dom.js";
import { refusal } from "./refusal.js";

export function heading(title, lead, ...actions) {
  return h(
    "header",
    { class: "screen" },
    h("div", {}, h("h1", { tabindex: -1 }, title), lead && h("p", { class: "lead" }, lead)),
    h("div", { class: "actions" }, actions),
  );
}

export function loading(rows = 4) {
  const bars = Array.from({ length: rows }, () => h("div", { class: "bar" }));
  return h("div", { class: "loading", role: "status", "aria-label": "Loading" }, bars);
}

export function empty(title, text, ...more) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), more);
}

export function failed(problem, again) {
  return h("div", { class: "failed" }, refusal(problem), button("Try again", again));
}

// A badge; its colour never says it alone.
export function badge(text, kind = "") {
  return h("span", { class: `badge ${kind}` }, text);
}

// Load something into a region. What is there already stays while news is fetched, and when that fails.
export async function into(region, fetch, show) {
  const first = !region.childNodes.length;
  if (first) fill(region, loading());
  region.turn = (region.turn ?? 0) + 1;
  const mine = region.turn;
  region.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch();
    if (mine === region.turn) show(answer);
  } catch (problem) {
    if (mine !== region.turn || problem.name === "AbortError") return;
    if (first || !problem.passing || region.querySelector(".loading, .failed"))
      fill(
        region,
        failed(problem, () => into(region, fetch, show)),
      );
  } finally {
    if (mine === region.turn) region.removeAttribute("aria-busy");
  }
}
