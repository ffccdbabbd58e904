// What a front-end developer would write. Compiled against the generated types, and never run.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Session = components["schemas"]["Session"];

const api = createClient<paths>({ baseUrl: "http://127.0.0.1:4580", headers: { Authorization: "Bearer …" } });

export async function schedule(timelineId: string): Promise<Session | string> {
  const { data, error } = await api.POST("/sessions", {
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
    body: { type: "ONE_TIME", timelineId, name: "Workshop", startDateTime: "2023-12-15T14:00:00Z", endDateTime: null },
  });
  if (data) return data.data;
  if ("code" in error && error.code === "SCHEDULING_CONFLICT") {
    return error.details.map((clash) => clash.name ?? "somebody's session").join(", ");
  }
  return error.message; // the gateway's own failures have it too
}

export async function first(timelineId: string): Promise<[number, string | null]> {
  const { data } = await api.GET("/sessions", {
    params: { query: { timelineId, startDateTimeSortOrder: "ASC", take: 1 } },
  });
  return [data?.meta.meta.count ?? 0, data?.data[0]?.startDateTime ?? null];
}

export async function rename(read: Session, name: string, etag: string): Promise<Session | undefined> {
  const { data } = await api.PATCH("/sessions/{sessionId}", {
    params: { path: { sessionId: read.id }, header: { "If-Match": etag } },
    body: { ...read, name }, // what was read can be sent back
  });
  return data?.data;
}

// @ts-expect-error: a start may be null, so it is no string until that has been looked at
export const start = (session: Session): string => session.startDateTime;

// @ts-expect-error: a session has a type
export const untyped: components["schemas"]["CreateSession"] = { timelineId: "a", name: "b" };

// @ts-expect-error: a name cannot be cleared
export const nameless: components["schemas"]["UpdateSession"] = { name: null };
