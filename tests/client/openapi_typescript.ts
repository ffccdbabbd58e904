// Creates, lists, reads, updates and deletes a session with the client of openapi-typescript and openapi-fetch.
import createClient from "openapi-fetch";
import { api, report, timelineId, token } from "./environment";
import type { components, paths } from "./generated/openapi_typescript/schema";

const client = createClient<paths>({ baseUrl: api, headers: { Authorization: `Bearer ${token}` } });

const body: components["schemas"]["CreateSession"] = {
  type: "ONE_TIME", timelineId, name: "Workshop",
  startDateTime: "2031-01-01T09:00:00Z", endDateTime: "2031-01-01T10:00:00Z",
};
const created = await client.POST("/sessions", {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } }, body,
});
if (!created.data) throw new Error(created.error.message); // every error has a message, from the API or from the gateway
const params = { path: { sessionId: created.data.data.id } };
const refused = await client.POST("/sessions", { body });
const listed = await client.GET("/sessions", { params: { query: { timelineId: [timelineId], startDateTimeSortOrder: "ASC", take: 1 } } });
const read = await client.GET("/sessions/{sessionId}", { params });
if (!read.data) throw new Error(read.error?.message);
const etag = read.response.headers.get("ETag") ?? "";
const updated = await client.PATCH("/sessions/{sessionId}", {
  params: { ...params, header: { "If-Match": etag } },
  body: { ...read.data.data, name: "Seminar" }, // a PATCH accepts all fields of a response, and ignores the fields that only the server sets
});
const deleted = await client.DELETE("/sessions/{sessionId}", { params });

const error = refused.error;
report({
  created: created.data.data.name,
  listed: listed.data?.data[0]?.startDateTime,
  count: listed.data?.meta.meta.count,
  read: read.data.data.type,
  updated: updated.data?.data.name,
  deleted: deleted.data?.data.removedAt != null,
  refused: error && "code" in error && error.code === "SCHEDULING_CONFLICT" ? error.details.map(({ name }) => name) : null,
});

// @ts-expect-error: the start of a session may be null
export const start = (session: components["schemas"]["Session"]): string => session.startDateTime;

// @ts-expect-error: a new session needs a type
export const untyped: components["schemas"]["CreateSession"] = { timelineId: "a", name: "b" };

// @ts-expect-error: a session needs a name
export const nameless: components["schemas"]["UpdateSession"] = { name: null };

// @ts-expect-error: a client cannot change the id
export const identified: components["schemas"]["UpdateSession"] = { id: "a" };
