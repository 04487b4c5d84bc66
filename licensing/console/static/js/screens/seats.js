// Seats: a card for each type that is bought, and the table of users.

import { fill, h } from "../parts/dom.js";
import { heading } from "../parts/screen.js";
import { store, why } from "../store.js";
import { cards, freeTypes, removalBanners } from "./seat_cards.js";
import { seatsTable } from "./seats_table.js";

export function seats() {
  const banners = h("div", { class: "banners" });
  const pools = h("section", { class: "cards", "aria-label": "Seats by type" });
  const free = h("p", { class: "free-types" });
  const allowed = h("div", { class: "allowed" });
  const table = seatsTable();

  function show() {
    removalBanners(banners);
    cards(pools);
    freeTypes(free);
    const reason = why("manage_users");
    fill(
      allowed,
      reason &&
        h(
          "p",
          { class: "message" },
          `You can look around; ${reason}. Ask a super admin of ${store.account.name}.`,
        ),
    );
  }

  show();
  table.load();
  return {
    element: h(
      "div",
      {},
      heading("Seats", "What your company has bought, and who holds it."),
      allowed,
      banners,
      pools,
      free,
      table.element,
    ),
    refresh() {
      show();
      return table.load();
    },
    close: table.close,
  };
}
