// How an endpoint does, and what became of what was sent to it.

import { badge } from "../parts/screen.js";
import { ago, moment, words } from "../words.js";

const KINDS = { active: "good", pending: "warning", paused: "warning", suspended: "bad", gone: "bad" };
const MEANINGS = {
  active: "Active",
  pending: "Waits for its first answer",
  paused: "Paused",
  suspended: "Suspended after long trouble",
  gone: "Gone",
};

export function standing({ status, failing_since: failing }) {
  if (status === "active" && failing) return badge("Failing", "bad");
  return badge(MEANINGS[status], KINDS[status]);
}

export function health({
  failing_since: failing,
  failures,
  last_success_at: success,
  next_attempt_at: next,
}) {
  if (failing)
    return `${failures} in a row have failed since ${moment(failing)}${next ? `; tried again ${moment(next)}` : ""}`;
  return success ? `last delivered ${ago(success)}, ${moment(success)}` : "nothing delivered yet";
}

const OUTCOMES = { delivered: "good", slow_down: "warning" };

export function outcome({ state, outcome: last }) {
  if (state === "parked") return badge("Parked", "bad");
  if (state === "waiting" || state === "next") return badge(state === "next" ? "Next" : "Waiting", "warning");
  return last ? badge(words(last), OUTCOMES[last] ?? "bad") : badge("Not sent yet");
}
