// The tables of schema.sql as collections; anybody may list seats, as with the other peers.
migrate((app) => {
  // It would write a line into a database of its own for each request, which the others do not.
  const settings = app.settings();
  settings.logs.maxDays = 0;
  app.save(settings);

  const text = (name) => ({ type: "text", name, required: true });
  const number = (name) => ({ type: "number", name });
  app.save(
    new Collection({
      type: "base",
      name: "pools",
      fields: [text("account_id"), text("seat_type"), number("purchased"), number("assigned")],
      indexes: ["CREATE UNIQUE INDEX pools_of_account ON pools (account_id, seat_type)"],
    }),
  );
  app.save(
    new Collection({
      type: "base",
      name: "seats",
      listRule: "",
      fields: [
        ...["account_id", "pool_id", "user_id", "seat_type"].map(text),
        { type: "autodate", name: "created_at", onCreate: true },
      ],
      indexes: [
        "CREATE UNIQUE INDEX seats_one_of_a_type ON seats (account_id, user_id, seat_type)",
        "CREATE INDEX seats_of_account ON seats (account_id, id)",
      ],
    }),
  );
  app.save(
    new Collection({
      type: "base",
      name: "outbox",
      fields: [text("account_id"), text("type"), { type: "json", name: "body" }],
    }),
  );
});
