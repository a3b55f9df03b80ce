// Whether somebody may, for greying buttons only: whoever decides is the server.
//
// `table` is the answer of GET /permissions, `standing` that of GET …/standing of the thing that the button is about,
// `action` a name such as "configure". It knows roles and nothing else: not quotas, not the last Admin, not emptiness.
export function may(table, standing, action) {
  const rows = table[standing.layer];
  const row = rows[action];
  if (row === undefined) {
    return false;
  }
  const meets = (name) =>
    standing.adds.includes(name) || rows[name].roles.some((role) => standing.roles.includes(role));
  return meets("view") && meets(action) && (!standing.suspended || row.goes_on_when_suspended);
}
