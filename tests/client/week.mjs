// Draws a week of GET /occurrences with FullCalendar in Chromium.
//     node week.mjs CHROMIUM ORIGIN SOCKET API TOKEN MONDAY SCREENSHOT        prints what the page showed, as JSON
// The program that starts this script has opened the socket of ORIGIN, and SOCKET is the file descriptor.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { withPage } from "./chromium.mjs";

const [executablePath, origin, socket, api, token, monday, screenshot] = process.argv.slice(2);
const script = readFileSync("node_modules/fullcalendar/index.global.min.js");

// Runs in the web page. The guide explains the function `events`.
const drawWeek = ({ api, token, monday }) => {
  const calendar = new FullCalendar.Calendar(document.body, {
    initialView: "timeGridWeek", initialDate: monday, firstDay: 1, locale: "en-GB",
    height: "auto", allDaySlot: false, slotMinTime: "06:00", slotMaxTime: "21:00", slotDuration: "01:00",
    events: async ({ start, end }) => {
      const window = new URLSearchParams({ from: start.toISOString(), to: end.toISOString(), take: 1000 });
      const response = await fetch(`${api}/occurrences?${window}`, { headers: { Authorization: `Bearer ${token}` } });
      const { data } = await response.json();
      return data.map((row) => ({ id: row.sessionId, title: row.name, start: row.startDateTime, end: row.endDateTime }));
    },
  });
  calendar.render();
};

const server = createServer((request, response) => {
  const isScript = request.url === "/fullcalendar.js";
  response.setHeader("Content-Type", `text/${isScript ? "javascript" : "html"}; charset=utf-8`);
  response.end(isScript ? script : '<!doctype html><title>Week</title><script src="/fullcalendar.js"></script><body style="font-family: sans-serif">');
}).listen({ fd: Number(socket) });

await withPage(executablePath, async (page) => {
  const saw = { complaints: [], requests: [] };
  page.on("console", (message) => message.type() === "error" && saw.complaints.push(message.text()));
  page.on("pageerror", (error) => saw.complaints.push(String(error)));
  page.on("request", (request) => request.method() === "GET" && saw.requests.push(request.url()));
  await page.setViewportSize({ width: 900, height: 480 });
  await page.goto(`${origin}/`);
  await page.evaluate(drawWeek, { api, token, monday });
  await page.locator(".fc-event").first().waitFor();
  saw.events = await page.locator(".fc-event").evaluateAll((drawn) =>
    drawn.map((event) => ({
      date: event.closest("[data-date]").dataset.date,
      time: event.querySelector(".fc-event-time").innerText,
      title: event.querySelector(".fc-event-title").innerText,
    })));
  if (screenshot) await page.screenshot({ path: screenshot });
  return saw;
});
server.close();
