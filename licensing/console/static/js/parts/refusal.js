// A refusal in words: what the service says, and what can be done about it.

import { adviceFor } from "../http.js";
import { nameOf } from "../store.js";
import { h } from "./dom.js";

// Advice that names operations of the API is for programmers.
const FOR_PROGRAMMERS = /[a-z][A-Z]|\w_\w|`|\b(GET|POST|PATCH|DELETE)\b/;

export function refusal(problem) {
  const box = h("div", { class: "message bad", role: "alert" }, h("p", {}, named(problem.message)));
  const errors = problem.body?.errors ?? [];
  if (errors.length)
    box.append(
      h(
        "ul",
        {},
        errors.slice(0, 10).map((error) => h("li", {}, said(error))),
      ),
    );
  if (problem.body)
    adviceFor(problem).then(
      (advice) => advice && !FOR_PROGRAMMERS.test(advice) && box.append(h("p", { class: "advice" }, advice)),
    );
  return box;
}

// People have names.
export function named(text) {
  return text.replace(/\busr_\w+/g, nameOf);
}

function said({ pointer, detail }) {
  const place = pointer?.replace(/^\//, "").replaceAll("/", " › ");
  return named(place ? `${place}: ${detail}` : detail);
}

// A refusal of one line of a batch, which is a problem without a request of its own.
export function refusalOfLine(line) {
  return refusal({ message: line.problem.detail, code: line.problem.code, body: line.problem });
}
