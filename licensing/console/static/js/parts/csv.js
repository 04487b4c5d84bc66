// CSV as the service reads it (RFC 4180), as far as it is needed to cut a file into parts.

// The records of a text, each with the line that it begins in; a line break inside quotation marks
// is no end.
function records(text) {
  const found = [];
  let [start, line, begun, quoted] = [0, 1, 1, false];
  const end = (n) => {
    const record = text.slice(start, n).replace(/\r$/, "");
    if (record.trim()) found.push({ text: record, line: begun });
  };
  for (let n = 0; n < text.length; n += 1) {
    if (text[n] === '"') quoted = !quoted;
    if (text[n] !== "\n") continue;
    line += 1;
    if (quoted) continue;
    end(n);
    start = n + 1;
    begun = line;
  }
  end(text.length);
  return found;
}

// Parts of at most so many records, each with the header: { text, places }, where `places` are the
// lines of the whole text in which the records begin.
export function parts(text, most) {
  const [header, ...lines] = records(text.replace(/^\uFEFF/, ""));
  const cut = [];
  for (let before = 0; before < lines.length; before += most) {
    const some = lines.slice(before, before + most);
    const all = [header, ...some].map((record) => record.text);
    cut.push({ text: `${all.join("\r\n")}\r\n`, places: some.map(({ line }) => line) });
  }
  return cut;
}

// Give the reader a text as a file.
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
