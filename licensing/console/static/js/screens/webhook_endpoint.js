// One endpoint: its health, the accounts that wait, and what was delivered.

import * as api from "../api.js";
import { carryOut } from "../actions.js";
import { button, fill, h, keyed } from "../parts/dom.js";
import { facts } from "../parts/dialog.js";
import { notice } from "../parts/notices.js";
import { refusal } from "../parts/refusal.js";
import { heading, into } from "../parts/screen.js";
import { store } from "../store.js";
import { count, day, listed, number, words } from "../words.js";
import { deliveries } from "./webhook_deliveries.js";
import { askReplay, askRotation } from "./webhook_dialogs.js";
import { health, standing } from "./webhook_health.js";

export function endpointScreen(id) {
  const about = h("div", {});
  const answer = h("div", { class: "ping-answer", role: "status", "aria-live": "polite" });
  const waiting = h("div", {});
  const list = deliveries(id);

  async function load() {
    const all = () =>
      Promise.all([api.getEndpoint(id), api.listLanes(id), api.listParked(id), api.listReplays(id)]);
    await into(about, all, ([endpoint, lanes, parked, replays]) => {
      keyed(
        about,
        [endpoint],
        () => "about",
        (shown) => aboutEndpoint(shown, { ping, load }),
      );
      keyed(
        waiting,
        [{ lanes: lanes.items, parked: parked.items, replays: replays.items }],
        () => "waiting",
        (shown) => backlog(shown, recover),
      );
    });
  }

  async function ping() {
    fill(answer, h("p", { class: "message" }, "Sending…"));
    try {
      fill(answer, pinged(await api.ping(id)));
    } catch (problem) {
      fill(answer, refusal(problem));
    }
  }

  async function recover() {
    try {
      const { events } = await carryOut(api.recoverParked("Send parked events again", id));
      notice(`${count(events, "parked event")} will be sent again.`);
    } catch (problem) {
      notice(problem.message, { kind: "bad", stays: true });
    }
    load();
  }

  load();
  const back = h("a", { href: "#/webhooks", class: "back" }, "All endpoints");
  const refresh = () => Promise.all([load(), list.refresh()]);
  return {
    element: h("div", {}, back, heading("Endpoint", null), about, answer, waiting, list.element),
    refresh,
  };
}

function aboutEndpoint(endpoint, { ping, load }) {
  const { id, status, event_types: types, secrets, account_id: account } = endpoint;
  const press = (label, act, more = {}) => button(label, act, { "data-focus": `${label}-${id}`, ...more });
  const stopped = status === "gone" ? "the receiver said that it is gone" : null;
  return h(
    "article",
    { class: "card" },
    h("header", {}, h("h2", {}, endpoint.description || endpoint.url), standing(endpoint)),
    facts(
      ["Address", endpoint.url],
      ["Health", health(endpoint)],
      ["Events", listed(types)],
      ["Accounts", account === null ? "all" : account === store.account.id ? store.account.name : account],
      [
        "Secrets",
        listed(secrets.map(({ expires_at: at }) => (at ? `one until ${day(at)}` : "one without an end"))),
      ],
    ),
    h(
      "footer",
      {},
      press("Ping", ping, { why: stopped }),
      press("Replay…", () => askReplay(endpoint, load), { why: stopped }),
      status === "paused" || status === "suspended"
        ? press("Resume", () => turn(api.enableEndpoint("Resume deliveries", id), "Deliveries go on.", load))
        : press(
            "Pause",
            () =>
              turn(api.pauseEndpoint("Pause deliveries", id), "Paused. Nothing is lost; events wait.", load),
            { why: stopped },
          ),
      press("Rotate secret…", () => askRotation(endpoint, load), { kind: "quiet" }),
    ),
  );
}

async function turn(action, said, load) {
  try {
    await carryOut(action);
    notice(said);
  } catch (problem) {
    notice(problem.message, { kind: "bad", stays: true });
  }
  load();
}

function pinged({ outcome, status, failure, detail, milliseconds }) {
  const good = outcome === "delivered";
  const took = milliseconds?.total ?? Object.values(milliseconds ?? {}).reduce((sum, part) => sum + part, 0);
  const text = good
    ? `The receiver answered ${status} in ${number(Math.round(took))} ms.`
    : `${words(outcome)}: ${detail || failure || `answered ${status}`}.`;
  return h("p", { class: `message ${good ? "good" : "bad"}` }, text);
}

// What is not delivered yet, by account; what was set aside; what is being sent again.
function backlog({ lanes, parked, replays }, recover) {
  const behind = lanes.filter(({ waiting }) => waiting > 0);
  const running = replays.filter(({ status }) => status === "running");
  const lane = ({ account_id: account, waiting, state }) =>
    h(
      "li",
      {},
      `${account ?? "Operators"}: ${count(waiting, "event")} waiting${state === "blocked" ? ", blocked" : ""}`,
    );
  return h(
    "div",
    { class: "backlog" },
    behind.length > 0 &&
      h(
        "div",
        { class: "message" },
        h("p", {}, `${count(behind.length, "account waits", "accounts wait")} for this endpoint.`),
        h("ul", { class: "long" }, behind.map(lane)),
      ),
    parked.length > 0 &&
      h(
        "div",
        { class: "banner" },
        h(
          "p",
          {},
          `${count(parked.length, "event is", "events are")} parked: the receiver refused ${parked.length === 1 ? "it" : "them"} for days.`,
        ),
        button("Send again", recover, { kind: "small", "data-focus": "recover" }),
      ),
    running.map(({ events, events_sent: sent }) =>
      h(
        "div",
        { class: "progress" },
        h("p", {}, `Replay: ${number(sent)} of ${count(events, "event")} sent`),
        h("progress", { max: events || 1, value: sent, "aria-label": "Replay" }),
      ),
    ),
  );
}
