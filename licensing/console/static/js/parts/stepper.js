// A quantity: a number field between − and +.

import { h, newId } from "./dom.js";

class QuantityStepper extends HTMLElement {
  connectedCallback() {
    if (this.input) return;
    const [least, most] = [Number(this.getAttribute("min")), Number(this.getAttribute("max"))];
    const id = newId("quantity");
    this.input = h("input", {
      id,
      type: "number",
      min: least,
      max: most,
      step: 1,
      inputmode: "numeric",
      value: this.getAttribute("start") ?? least,
    });
    const step = (by) => () => {
      this.input.value = Math.min(Math.max((Number(this.input.value) || 0) + by, least), most);
      this.input.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const press = (sign, name, by) =>
      h("button", { type: "button", "aria-label": name, "aria-controls": id, on: { click: step(by) } }, sign);
    this.append(
      h("label", { for: id }, this.getAttribute("label")),
      h("div", { class: "stepper" }, press("−", "One less", -1), this.input, press("+", "One more", 1)),
    );
  }

  // The quantity, or null where what stands there is none.
  get quantity() {
    const quantity = Number(this.input.value);
    return this.input.value !== "" && Number.isInteger(quantity) && quantity >= 1 ? quantity : null;
  }
}

customElements.define("quantity-stepper", QuantityStepper);

export function stepper(label, { max, start = 1 }) {
  return h("quantity-stepper", { label, min: 1, max, start });
}
