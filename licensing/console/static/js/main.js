// The page itself: who is signed in, which screen is shown, and news for it.

import { door } from "./http.js";
import { follow } from "./live.js";
import { fill, h } from "./parts/dom.js";
import { connection, notice, showNotices } from "./parts/notices.js";
import { failed, loading } from "./parts/screen.js";
import { askAgain, askForToken } from "./signing_in.js";
import { session, takeFromAddress } from "./session.js";
import { load, onShrunk, refresh, seatTitle, store } from "./store.js";
import { count } from "./words.js";
import { history } from "./screens/history.js";
import { imports } from "./screens/imports.js";
import { requests } from "./screens/requests.js";
import { seats } from "./screens/seats.js";
import { subscriptions } from "./screens/subscriptions.js";
import { webhooks } from "./screens/webhooks.js";

const SCREENS = [
  ["seats", "Seats", seats],
  ["requests", "Requests", requests],
  ["subscriptions", "Subscriptions", subscriptions],
  ["history", "History", history],
  ["import", "Import", imports],
  ["webhooks", "Webhooks", webhooks],
];

const main = h("main", { id: "main" });
const nav = h("nav", { "aria-label": "Screens" });
const owner = h("div", { class: "owner" });
const skip = h(
  "a",
  {
    href: "#main",
    class: "skip",
    on: { click: (event) => (event.preventDefault(), main.querySelector("h1")?.focus()) },
  },
  "Skip to the content",
);
let screen = null;

function frame() {
  const brand = h(
    "a",
    { href: "#/seats", class: "brand" },
    h("span", { class: "logo", "aria-hidden": "true" }),
    "Seats",
  );
  document.body.append(skip, h("header", { class: "top" }, brand, owner), nav, main);
  showNotices();
}

function route() {
  const wanted = location.hash.replace(/^#\/?/, "").split("/");
  const [name, title, make] = SCREENS.find(([known]) => known === wanted[0]) ?? SCREENS[0];
  return { name, title, make, rest: wanted.slice(1) };
}

function show(moved) {
  if (!store.account) return;
  const { name, title, make, rest } = route();
  const link = ([known, text]) =>
    h("a", { href: `#/${known}`, "aria-current": known === name && "page" }, text);
  fill(nav, SCREENS.map(link));
  document.title = `${title} · ${store.account.name}`;
  screen?.close?.();
  screen = make(rest);
  fill(main, screen.element);
  scrollTo(0, 0);
  if (moved) main.querySelector("h1")?.focus({ preventScroll: true });
}

async function start() {
  fill(main, h("h1", { class: "unseen", tabindex: -1 }, "Seats"), loading(6));
  try {
    await load();
  } catch (problem) {
    fill(main, h("h1", { tabindex: -1 }, "Seats"), failed(problem, start));
    return;
  }
  fill(owner, h("strong", {}, store.account.name), h("span", {}, store.me.name));
  show(false);
  follow(changed, connection);
}

async function changed() {
  await refresh();
  await screen?.refresh?.();
}

onShrunk((removal, left) => {
  const what = `${count(removal.quantity, "seat")} of ${seatTitle(removal.seat_type)}`;
  const now = left ? `now ${left} will leave` : "it was cancelled";
  notice(`The removal of ${what} gave way to an assignment: ${now}.`, { kind: "warning", stays: true });
});

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) {
    takeFromAddress();
    if (store.account) show(true);
    else start();
  } else {
    show(true);
  }
});

door.renew = askAgain;
takeFromAddress();
frame();
if (session.token) start();
else askForToken(main, start);
