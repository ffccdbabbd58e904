// Chromium with a new profile and without background requests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const ARGUMENTS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

export async function withPage(executablePath, work) {
  const profile = mkdtempSync(join(tmpdir(), "browser-test-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath, headless: true, args: ARGUMENTS.split(" "), viewport: { width: 1200, height: 1500 },
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    console.log(JSON.stringify(await work(page)));
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
