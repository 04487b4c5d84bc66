// Picking a user: type a part of the name or address, choose from those who match.

import * as api from "../api.js";
import { learn } from "../store.js";
import { fill, h, newId, unhurried } from "./dom.js";

const MOST = 8;

class UserPicker extends HTMLElement {
  user = null;
  found = [];
  at = -1;
  asked = 0;

  // `leaveOut(row)` says in words why somebody cannot be chosen, or nothing.
  constructor() {
    super();
    this.leaveOut = () => null;
  }

  connectedCallback() {
    if (this.input) return;
    const list = newId("matches");
    this.input = h("input", {
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "Name or e-mail address",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": list,
      id: `${this.id}-input`,
      on: {
        input: (event) => this.typed(event),
        keydown: (event) => this.pressed(event),
        blur: () => this.close(),
        focus: () => this.user || this.search(),
      },
    });
    this.list = h("ul", { id: list, role: "listbox", "aria-label": "Users who match" });
    this.said = h("span", { class: "unseen", role: "status" });
    this.search = unhurried(() => this.find(), 180);
    const label = h("label", { for: this.input.id }, this.getAttribute("label"));
    this.append(label, h("div", { class: "combo" }, this.input, this.list), this.said);
  }

  typed(event) {
    event.stopPropagation();
    if (this.user) this.choose(null);
    this.search();
  }

  async find() {
    if (this.user) return; // chosen before the search began
    const mine = ++this.asked;
    let rows = [];
    try {
      rows = (await api.seatTable({ search: this.input.value.trim() || null, limit: MOST })).items;
    } catch {
      this.said.textContent = "The search failed; type again to repeat it.";
      return;
    }
    if (mine !== this.asked || document.activeElement !== this.input) return;
    rows.forEach(learn);
    this.found = rows.map((row) => ({ row, why: this.leaveOut(row) }));
    this.at = this.found.findIndex(({ why }) => !why);
    this.open();
  }

  open() {
    const options = this.found.map(({ row, why }, n) => this.option(row, why, n));
    fill(
      this.list,
      options.length
        ? options
        : h(
            "li",
            { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" },
            "Nobody matches",
          ),
    );
    this.said.textContent = options.length === 1 ? "1 user matches" : `${options.length} users match`;
    this.input.setAttribute("aria-expanded", "true");
    this.mark();
  }

  option(row, why, n) {
    const take = (event) => {
      event.preventDefault();
      if (!why) this.choose(row);
    };
    return h(
      "li",
      {
        role: "option",
        id: `${this.list.id}-${n}`,
        "aria-selected": "false",
        "aria-disabled": why && "true",
        on: { mousedown: take },
      },
      h("strong", {}, row.name),
      h("span", {}, why ? `${row.email}, ${why}` : row.email),
    );
  }

  close() {
    this.asked += 1;
    fill(this.list);
    this.found = [];
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  mark() {
    [...this.list.children].forEach((option, n) =>
      option.setAttribute("aria-selected", String(n === this.at)),
    );
    const marked = this.list.children[this.at];
    if (marked?.id) this.input.setAttribute("aria-activedescendant", marked.id);
    marked?.scrollIntoView({ block: "nearest" });
  }

  pressed(event) {
    const isOpen = this.input.getAttribute("aria-expanded") === "true";
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen) this.step(event.key === "ArrowDown" ? 1 : -1);
      else this.find();
    } else if (isOpen && event.key === "Enter") {
      event.preventDefault();
      const marked = this.found[this.at];
      if (marked && !marked.why) this.choose(marked.row);
    } else if (isOpen && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }

  step(by) {
    const good = this.found.map(({ why }, n) => (why ? -1 : n)).filter((n) => n >= 0);
    const place = good.indexOf(this.at) + by;
    this.at = good.at(place % good.length) ?? -1;
    this.mark();
  }

  choose(row) {
    this.user = row;
    if (row) {
      this.input.value = row.name;
      this.close();
    }
    this.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

customElements.define("user-picker", UserPicker);

export function picker(label, leaveOut = () => null) {
  const made = h("user-picker", { label, id: newId("picker") });
  made.leaveOut = leaveOut;
  return made;
}
