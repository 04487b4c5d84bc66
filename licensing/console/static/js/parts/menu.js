// A menu of what can be done with a row, with the keys that menus have.

import { fill, h, newId } from "./dom.js";

/* entries() → [{ label, press, why }], asked for when the menu is opened */
export function menu(label, entries, name) {
  const id = newId("menu");
  const list = h("div", { id, role: "menu", "aria-label": label, popover: "auto", class: "menu" });
  const opener = h(
    "button",
    {
      type: "button",
      class: "button bare more",
      "aria-label": label,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-focus": name,
      popovertarget: id,
    },
    "⋯",
  );
  list.addEventListener(
    "beforetoggle",
    ({ newState }) =>
      newState === "open" &&
      fill(
        list,
        entries().map((entry) => item(entry, list)),
      ),
  );
  list.addEventListener("toggle", ({ newState }) => {
    opener.setAttribute("aria-expanded", String(newState === "open"));
    if (newState === "open") {
      place(list, opener);
      list.querySelector("[role=menuitem]")?.focus();
    }
  });
  list.addEventListener("keydown", (event) => move(event, list));
  return h("span", { class: "menu-of" }, opener, list);
}

function item({ label, press, why }, list) {
  const chosen = () => {
    if (why) return;
    list.hidePopover(); // gives the focus back to the opener, to which the dialog returns it
    press();
  };
  return h(
    "button",
    { type: "button", role: "menuitem", tabindex: -1, "aria-disabled": why && "true", on: { click: chosen } },
    label,
    why && h("small", {}, why),
  );
}

function place(list, opener) {
  const from = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const below = from.bottom + height + 8 < innerHeight;
  list.style.left = `${Math.max(8, from.right - width)}px`;
  list.style.top = `${below ? from.bottom + 4 : Math.max(8, from.top - height - 4)}px`;
}

function move(event, list) {
  const items = [...list.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Tab") list.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length).focus();
}
