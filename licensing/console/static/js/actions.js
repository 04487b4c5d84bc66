// What somebody has confirmed is done, and done once: its idempotency key is made when it is
// confirmed and kept until the answer is known, however often the network fails in between.

import { Problem, Unreachable, pause, send } from "./http.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;

// Those who show that something is still on its way, and the actions that are.
export const underWay = new Set();
const watchers = new Set();

export function onTrouble(watcher) {
  watchers.add(watcher);
}

function tell() {
  for (const watcher of watchers) watcher([...underWay].filter((action) => action.trouble));
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

// Something that was confirmed. `title` names it in notices.
export function confirmed(title, method, path, options = {}) {
  return { title, method, path, options, key: method === "POST" ? newKey() : null, trouble: null, tries: 0 };
}

// Send it until an answer comes. Refusals are thrown; trouble on the way is told, and waited out.
export async function carryOut(action) {
  underWay.add(action);
  try {
    for (;;) {
      try {
        return await attempt(action);
      } catch (problem) {
        await recover(action, problem);
      }
    }
  } finally {
    underWay.delete(action);
    action.trouble = null;
    tell();
  }
}

async function attempt(action) {
  const headers = { ...action.options.headers, ...(action.key && { "Idempotency-Key": action.key }) };
  action.tries += 1;
  try {
    return await send(action.method, action.path, { ...action.options, headers });
  } catch (problem) {
    // What a lost answer to a DELETE may have done already is done.
    if (problem instanceof Problem && problem.status === 404 && action.method === "DELETE" && action.lost)
      return null;
    throw problem;
  }
}

async function recover(action, problem) {
  if (!problem.passing) throw problem;
  action.lost ||= problem instanceof Unreachable || problem.status === 504;
  action.trouble = problem;
  tell();
  const wait = problem.retryAfter
    ? problem.retryAfter * 1000
    : Math.min(FIRST_WAIT * 2 ** (action.tries - 1), LONGEST_WAIT);
  await Promise.race([pause(wait), new Promise((resolve) => (action.now = resolve)), online()]);
}

function online() {
  return new Promise((resolve) => addEventListener("online", resolve, { once: true }));
}

export function tryNow() {
  for (const action of underWay) action.now?.();
}

// Whoever leaves now would not learn what became of it.
addEventListener("beforeunload", (event) => {
  if (underWay.size) event.preventDefault();
});
