// PocketBase with hooks in JavaScript, as its documentation has them; the page is its own list of records.
onBootstrap((e) => {
  e.next();
  // What all contestants set; its writes go through this one connection.
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous = full").execute();
});

routerAdd("GET", "/hello", (e) => e.json(200, { hello: "world" }));

routerAdd("GET", "/accounts/{account}/users/{user}/entitlements/{feature}", (e) => {
  const features = { contacts: ["core", "sales"], reports: ["sales"] };
  const feature = e.request.pathValue("feature");
  const held = $app.findRecordsByFilter("seats", "account_id = {:account} && user_id = {:user}", "", 0, 0, {
    account: e.request.pathValue("account"),
    user: e.request.pathValue("user"),
  });
  const allowed = held.some((seat) => features[feature].includes(seat.getString("seat_type")));
  return e.json(200, { feature, level: allowed ? "full" : "none" });
});

routerAdd("POST", "/accounts/{account}/seats", (e) => {
  const account_id = e.request.pathValue("account");
  const { user_id, seat_type } = e.requestInfo().body;
  let given = null;
  $app.runInTransaction((tx) => {
    const pool = new DynamicModel({ id: "" });
    tx.db()
      .newQuery(
        "UPDATE pools SET assigned = assigned + 1 WHERE account_id = {:account_id} AND seat_type = {:seat_type}" +
          " AND assigned < purchased RETURNING id",
      )
      .bind({ account_id, seat_type })
      .one(pool);
    const seat = new Record(tx.findCachedCollectionByNameOrId("seats"), { account_id, pool_id: pool.id, user_id, seat_type });
    tx.save(seat);
    const body = { id: seat.id, user_id, seat_type };
    tx.save(new Record(tx.findCachedCollectionByNameOrId("outbox"), { account_id, type: "seat.assigned", body }));
    given = seat;
  });
  return e.json(201, given);
});
