// Creates, lists, reads, updates and deletes a session with the client of @hey-api/openapi-ts.
import { api, report, timelineId, token } from "./environment";
import { createSession, deleteSession, getSession, listSessions, updateSession } from "./generated/hey_api";
import { client } from "./generated/hey_api/client.gen";
import type { CreateSession, DayOfWeek, RepeatCycle, SessionType } from "./generated/hey_api";

client.setConfig({ baseUrl: api, auth: token });

export const names: [SessionType, RepeatCycle, DayOfWeek] = ["RECURRING", "WEEKLY", "FRIDAY"];
const body: CreateSession = {
  type: "ONE_TIME", timelineId, name: "Workshop",
  startDateTime: "2031-01-01T09:00:00Z", endDateTime: "2031-01-01T10:00:00Z",
};
const created = await createSession({ body, headers: { "Idempotency-Key": crypto.randomUUID() }, throwOnError: true });
const path = { sessionId: created.data.data.id };
const refused = await createSession({ body });
const listed = await listSessions({ query: { timelineId: [timelineId], startDateTimeSortOrder: "ASC", take: 1 } });
const read = await getSession({ path });
const updated = await updateSession({ path, body: { name: "Seminar" } });
const deleted = await deleteSession({ path });

const error = refused.error;
report({
  created: created.data.data.name,
  listed: listed.data?.data[0]?.startDateTime,
  count: listed.data?.meta.meta.count,
  read: read.data?.data.type,
  updated: updated.data?.data.name,
  deleted: deleted.data?.data.removedAt != null,
  refused: error && "code" in error && error.code === "SCHEDULING_CONFLICT" ? error.details.map(({ name }) => name) : null,
});
