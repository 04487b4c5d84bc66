// Webhooks, for operators: an API key is asked for and kept in memory; then the endpoints, or one.

import * as api from "../api.js";
import { button, field, fill, h, keyed } from "../parts/dom.js";
import { refusal } from "../parts/refusal.js";
import { empty, heading, into } from "../parts/screen.js";
import { session } from "../session.js";
import { endpointScreen } from "./webhook_endpoint.js";
import { health, standing } from "./webhook_health.js";

export function webhooks([id]) {
  if (!session.apiKey) return keyScreen();
  return id ? endpointScreen(id) : endpointList();
}

function keyScreen() {
  const input = h("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const said = h("div", {});
  const submit = async (event) => {
    event.preventDefault();
    session.apiKey = input.value.trim();
    try {
      await api.listEndpoints();
      dispatchEvent(new HashChangeEvent("hashchange")); // shows what the key opens
    } catch (problem) {
      session.apiKey = null;
      fill(said, refusal(problem));
    }
  };
  const go = button("Show webhooks", () => {}, { kind: "primary" });
  go.type = "submit";
  const form = h(
    "form",
    { class: "card key-form", on: { submit } },
    field(
      "API key",
      input,
      "One with the scope webhooks; with read as well, payloads are shown. It is kept in memory only.",
    ),
    said,
    go,
  );
  return {
    element: h(
      "div",
      {},
      heading("Webhooks", "For operators: what is sent to other systems, and how it arrives."),
      form,
    ),
  };
}

function endpointList() {
  const region = h("div", {});
  const list = h("ul", { class: "endpoints" });

  function load() {
    return into(region, api.listEndpoints, (endpoints) => {
      keyed(list, endpoints, ({ id }) => id, item);
      fill(
        region,
        endpoints.length
          ? list
          : empty(
              "No endpoints",
              "Endpoints are created through the API. Each then stands here with its health.",
            ),
      );
    });
  }

  const forget = button(
    "Forget the key",
    () => {
      session.apiKey = null;
      dispatchEvent(new HashChangeEvent("hashchange"));
    },
    { kind: "quiet" },
  );
  load();
  return {
    element: h(
      "div",
      {},
      heading("Webhooks", "What is sent to other systems, and how it arrives.", forget),
      region,
    ),
    refresh: load,
  };
}

function item(endpoint) {
  return h(
    "li",
    { class: "card endpoint" },
    h(
      "div",
      {},
      h("h2", {}, h("a", { href: `#/webhooks/${endpoint.id}` }, endpoint.description || endpoint.url)),
      h("p", { class: "muted" }, endpoint.url),
    ),
    h("div", { class: "health" }, standing(endpoint), h("small", {}, health(endpoint))),
  );
}
