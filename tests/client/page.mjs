// Opens the page at /docs in Chromium and clicks as a person would: authorize, reload, create a session, list sessions.
//     node page.mjs CHROMIUM PAGE TOKEN SCREENSHOT        prints what the page showed, as JSON
import { withPage } from "./chromium.mjs";

const [executablePath, address, token, screenshot] = process.argv.slice(2);

await withPage(executablePath, async (page) => {
  const saw = { complaints: [], elsewhere: [] };
  page.on("console", (message) => message.type() === "error" && saw.complaints.push(message.text()));
  page.on("pageerror", (error) => saw.complaints.push(String(error)));
  page.on("request", (request) => {
    const inside = request.url().startsWith(new URL(".", address).href); // the address of the API may contain a path
    if (!inside && !request.url().startsWith("data:")) saw.elsewhere.push(request.url());
  });
  await page.goto(address);

  await page.getByRole("button", { name: "Authorize" }).first().click();
  await page.locator(".modal-ux input").fill(token);
  await page.locator(".modal-ux button.authorize").click();
  await page.locator(".modal-ux button.btn-done").click();
  await page.reload();
  await page.locator(".authorization__btn.locked, .authorization__btn .locked").first().waitFor();
  saw.storedForOtherTabs = await page.evaluate(() => JSON.stringify(localStorage));

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
  saw.samples = {};
  for (const language of ["curl", "JavaScript", "Python"]) {
    await created.block.locator(".request-snippets .btn", { hasText: new RegExp(`^${language}$`) }).click();
    saw.samples[language] = await created.block.locator(".request-snippets pre").innerText();
  }
  await created.block.locator(".opblock-summary-control").click();
  const listed = await execute("listSessions");
  saw.listed = { status: listed.status, body: listed.body };
  saw.shown = await listed.block.locator(".live-responses-table").innerText();
  if (screenshot) {
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({ path: screenshot });
  }

  const schemas = page.locator("section.models");
  const expandAll = schemas.getByRole("button", { name: "Expand all" });
  await expandAll.first().waitFor(); // evaluateAll does not wait
  await expandAll.evaluateAll((buttons) => buttons.forEach((button) => button.click()));
  await schemas.getByText("SCHEDULING_CONFLICT").first().waitFor();
  saw.schemas = await schemas.innerText();

  await page.getByRole("link", { name: "Sign in" }).click();
  saw.guide = await page.locator("h2:target").innerText();
  return saw;
});
