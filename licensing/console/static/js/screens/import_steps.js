// The two steps of an import: a dry run of all parts, then the parts one after the other. Each part
// is an action of its own with an idempotency key, so a bad network never applies one twice.

import * as api from "../api.js";
import { carryOut } from "../actions.js";
import { poke } from "../live.js";
import { parts } from "../parts/csv.js";
import { assignable } from "../store.js";

const firstPaid = () => assignable().find(({ paid }) => paid)?.name ?? "core";

export const KINDS = [
  {
    path: "user-batches",
    title: "Users",
    most: 1000,
    description:
      "Invites everybody in the file, with seats where it says so; several are separated by a semicolon.",
    columns: "email, name, status, permissions, seat_types, partner_eligible, external_id",
    example: () =>
      `email,name,seat_types\r\nmaya@example.com,Maya Lindgren,${firstPaid()}\r\nleo@example.com,Leo Brandt,\r\n`,
  },
  {
    path: "seat-batches",
    title: "Seat changes",
    most: 500,
    description: "Assigns, changes, transfers and takes back seats.",
    columns: "action, email, seat_type, to_email, to_seat_type, give_back",
    example: () =>
      `action,email,seat_type,to_email\r\nassign,maya@example.com,${firstPaid()},\r\nunassign,leo@example.com,${firstPaid()},\r\n`,
  },
];

// Try every part. Answers what would happen: { lines, good, refused, wrong }.
export async function check(kind, text, tell) {
  const cut = parts(text, kind.most);
  const found = nothing();
  for (const [done, part] of counted(cut)) {
    tell(done, total(cut));
    try {
      gather(found, (await api.previewLines(kind.path, part.text)).lines, part);
    } catch (problem) {
      if (problem.passing || !misread(found, problem, part)) return { ...found, wrong: problem };
    }
  }
  return found;
}

// Apply every part. Where one is refused as a whole, what came before stays, and that is said.
export async function apply(kind, text, skip, tell) {
  const cut = parts(text, kind.most);
  const done = nothing();
  for (const [before, part] of counted(cut)) {
    tell(before, total(cut));
    const title = `Import lines ${part.places[0]} to ${part.places.at(-1)}`;
    try {
      const action = api.importLines(title, kind.path, part.text, skip ? "continue" : "abort");
      gather(done, (await carryOut(action)).lines, part);
    } catch (problem) {
      gather(done, refusedLines(problem), part);
      return { ...done, wrong: problem, stopped: part };
    } finally {
      poke();
    }
  }
  return done;
}

const nothing = () => ({ lines: [], good: 0, refused: 0, wrong: null, stopped: null });
const total = (cut) => cut.reduce((sum, { places }) => sum + places.length, 0);

function counted(cut) {
  return cut.map((part, n) => [total(cut.slice(0, n)), part]);
}

function gather(found, lines, part) {
  for (const { line, outcome, problem } of lines) {
    if (outcome === "refused") found.refused += 1;
    else if (outcome !== "unchanged") found.good += 1;
    found.lines.push({ place: part.places[line - 1], outcome, problem });
  }
}

// The lines for which a whole part was refused.
function refusedLines({ body }) {
  return (body?.lines ?? []).map((line) => ({ line: line.line, outcome: "refused", problem: line }));
}

// Lines that cannot even be read have a pointer such as /changes/3/email. Answers whether there are any.
function misread(found, { body }, part) {
  const lines = new Map();
  for (const { pointer, detail } of body?.errors ?? []) {
    const [, index, member] = /^\/\w+\/(\d+)(?:\/(.+))?$/.exec(pointer ?? "") ?? [];
    if (index === undefined) return false;
    const text = detail.replace(/^Line \d+: /, "");
    lines.set(index, [...(lines.get(index) ?? []), member ? `${member}: ${text}` : text]);
  }
  gather(
    found,
    [...lines].map(([index, texts]) => ({
      line: Number(index) + 1,
      outcome: "refused",
      problem: { detail: texts.join(" ") },
    })),
    part,
  );
  return lines.size > 0;
}
