// Creates, lists, reads, updates and deletes a session with the fetch client of orval.
import { report, timelineId, token } from "./environment";
import { createSession, deleteSession, getSession, listSessions, updateSession } from "./generated/orval/api";
import type { CreateSession } from "./generated/orval/api";

const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };

const body: CreateSession = {
  type: "ONE_TIME", timelineId, name: "Workshop",
  startDateTime: "2031-01-01T09:00:00Z", endDateTime: "2031-01-01T10:00:00Z",
};
const created = await createSession(body, {}, { headers: { ...headers, "Idempotency-Key": crypto.randomUUID() } });
if (created.status !== 200) throw new Error(created.data.message);
const id = created.data.data.id;
const refused = await createSession(body, {}, { headers });
const listed = await listSessions({ timelineId: [timelineId], startDateTimeSortOrder: "ASC", take: 1 }, { headers });
const read = await getSession(id, { headers });
const updated = await updateSession(id, { name: "Seminar" }, {}, { headers });
const deleted = await deleteSession(id, { headers });

report({
  created: created.data.data.name,
  listed: listed.status === 200 ? listed.data.data[0]?.startDateTime : null,
  count: listed.status === 200 ? listed.data.meta.meta.count : null,
  read: read.status === 200 ? read.data.data.type : null,
  updated: updated.status === 200 ? updated.data.data.name : null,
  deleted: deleted.status === 200 && deleted.data.data.removedAt !== null,
  refused: refused.status === 409 ? refused.data.details.map(({ name }) => name) : null,
});
