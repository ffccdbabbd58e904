// Opens the page at /docs in Chromium as a person would: authorises, creates a session, lists it.
//     node page.mjs CHROMIUM PAGE TOKEN SCREENSHOT        prints what it saw, as JSON
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, page_address, token, screenshot] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "docs-page-"));
const args = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";
const context = await chromium.launchPersistentContext(profile, {
  executablePath, headless: true, args: args.split(" "), viewport: { width: 1200, height: 1500 },
});
try {
  const page = await context.newPage();
  const saw = { complaints: [], elsewhere: [] };
  page.on("console", (message) => message.type() === "error" && saw.complaints.push(message.text()));
  page.on("pageerror", (error) => saw.complaints.push(String(error)));
  page.on("request", (request) => {
    const inside = request.url().startsWith(new URL(".", page_address).href); // also below the API's own path
    if (!inside && !request.url().startsWith("data:")) saw.elsewhere.push(request.url());
  });
  page.setDefaultTimeout(30_000);
  await page.goto(page_address);

  await page.getByRole("button", { name: "Authorize" }).first().click();
  await page.locator(".modal-ux input").fill(token);
  await page.locator(".modal-ux button.authorize").click();
  await page.locator(".modal-ux button.btn-done").click();

  const execute = async (operation) => {
    const block = page.locator(`[id="operations-Sessions-${operation}"]`);
    await block.locator(".opblock-summary-control").click();
    await block.getByRole("button", { name: "Try it out" }).click();
    const answered = page.waitForResponse((response) => new URL(response.url()).pathname.endsWith("/sessions"));
    await block.locator("button.execute").click();
    const response = await answered;
    await block.locator(".live-responses-table .response-col_status").first().waitFor();
    return { block, status: response.status(), body: await response.json() };
  };

  const created = await execute("createSession");
  saw.created = { status: created.status, body: created.body };
  await created.block.locator(".opblock-summary-control").click();
  const listed = await execute("listSessions");
  saw.listed = { status: listed.status, body: listed.body };
  saw.shown = await listed.block.locator(".live-responses-table").innerText();
  if (screenshot) {
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({ path: screenshot });
  }
  console.log(JSON.stringify(saw));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
