// Calls the API from web pages of other origins in Chromium.
//     node cors.mjs CHROMIUM API TOKEN TIMELINE ORIGIN SOCKET STRANGER SOCKET
//                                                prints the responses and errors that the pages received, as JSON
// The API allows requests from web pages of ORIGIN, and not from web pages of STRANGER. The program that starts this script
// has opened the sockets of both origins, and a SOCKET is the file descriptor.
import { createServer } from "node:http";
import { withPage } from "./chromium.mjs";

const [executablePath, api, token, timelineId, origin, socket, stranger, strangeSocket] = process.argv.slice(2);

// Runs in the web page. If CORS forbids a call, `fetch` throws a TypeError.
const call = async ({ url, body, headers, ...options }) => {
  try {
    const json = body ? { "Content-Type": "application/json" } : {};
    const text = body ? { body: JSON.stringify(body) } : {};
    const response = await fetch(url, { ...options, headers: { ...json, ...headers }, ...text });
    const received = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: received ? JSON.parse(received) : null,
    };
  } catch (error) {
    return { error: error.name };
  }
};

const servers = [socket, strangeSocket].map((descriptor) =>
  createServer((_, response) => response.end("<!doctype html><title>App</title>")).listen({ fd: Number(descriptor) }));

await withPage(executablePath, async (page) => {
  const authorized = { Authorization: `Bearer ${token}` };
  const send = (method, path, more = {}) =>
    page.evaluate(call, { url: api + path, method, ...more, headers: { ...authorized, ...more.headers } });
  const body = {
    type: "ONE_TIME", timelineId, name: "Workshop",
    startDateTime: "2031-01-01T09:00:00Z", endDateTime: "2031-01-01T10:00:00Z",
  };
  const saw = {};

  await page.goto(`${origin}/`);
  saw.created = await send("POST", "/sessions", { body, headers: { "Idempotency-Key": crypto.randomUUID() } });
  const path = `/sessions/${saw.created.body?.data.id}`;
  const etag = saw.created.headers?.etag;
  saw.unchanged = await send("GET", path, { headers: { "If-None-Match": etag } });
  saw.conflict = await send("POST", "/sessions", { body });
  saw.updated = await send("PATCH", path, { body: { name: "Seminar" }, headers: { "If-Match": etag } });
  saw.listed = await send("GET", `/sessions?timelineId=${timelineId}`);
  saw.withCookies = await send("GET", path, { credentials: "include" });

  await page.goto(`${stranger}/`);
  saw.stranger = await send("GET", path);

  await page.goto(`${origin}/`);
  saw.deleted = await send("DELETE", path);
  return saw;
});
servers.forEach((server) => server.close());
