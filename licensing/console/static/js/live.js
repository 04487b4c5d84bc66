// Noticing what others do: the log is asked for what came after the last event that is known.
// Who may not read the log asks for what the screen shows; that costs little where nothing changed.

import * as api from "./api.js";
import { can } from "./store.js";
import { pause } from "./http.js";

const EVERY = 2500;
const LONGEST = 15_000;
const MOST = 200;

let sequence = null;
let poked = null;
let running = false;

// Call `changed()` when something has happened, `reached(true or false)` for how the network does.
export async function follow(changed, reached) {
  if (running) return;
  running = true;
  for (let failures = 0; ;) {
    await Promise.race([waited(failures), new Promise((resolve) => (poked = resolve))]);
    try {
      await look(changed);
      failures = 0;
      reached(true);
    } catch (problem) {
      failures += 1;
      if (problem.status === 410) sequence = null;
      if (problem.passing) reached(false);
    }
  }
}

// Look at once, such as after an action of one's own.
export function poke() {
  poked?.();
}

async function waited(failures) {
  await pause(Math.min(EVERY * 2 ** Math.min(failures, 3), LONGEST));
  while (document.hidden)
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

async function look(changed) {
  if (!can("super_admin")) return changed();
  const before = sequence;
  if (sequence === null) sequence = await newest();
  else await readOn();
  return sequence === before ? undefined : changed();
}

async function readOn() {
  for (let more = true; more;) {
    const { items } = await api.listEvents({ after: sequence, limit: MOST });
    if (items.length) sequence = items.at(-1).sequence;
    more = items.length === MOST;
  }
}

async function newest() {
  const { items } = await api.listEvents({ order: "newest", limit: 1 });
  return items.length ? items[0].sequence : 0;
}

addEventListener("online", poke);
