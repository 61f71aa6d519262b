// Pictures of a page in each of its forms, and what axe has to say about it.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import axe from "axe-core";

const FOLDER =
  process.env.ZALT_SCREENSHOTS ?? fileURLToPath(new URL("../../../target/browser-tests", import.meta.url));

const FORMS = [
  { form: "wide-light", colorScheme: "light", width: 1280, height: 800 },
  { form: "wide-dark", colorScheme: "dark", width: 1280, height: 800 },
  { form: "narrow-light", colorScheme: "light", width: 390, height: 844 },
  { form: "narrow-dark", colorScheme: "dark", width: 390, height: 844 },
];

const seen = new Set();

/// Findings of any weight are returned: the pages are our own, and there is no reason to live with one.
export async function inspect(page, name, javaScript) {
  const key = `${name}-${javaScript}`;
  if (seen.has(key)) return [];
  seen.add(key);
  const before = page.viewportSize();
  const found = [];
  await mkdir(FOLDER, { recursive: true });
  for (const { form, colorScheme, width, height } of FORMS) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    found.push(...(await overflow(page, `${name} (${form})`)));
    found.push(...(await findings(page, `${name} (${form})`)));
    const file = `${name}-${javaScript ? "js" : "nojs"}-${form}.png`;
    await page.screenshot({ path: join(FOLDER, file), fullPage: true, animations: "disabled" });
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(before);
  return found;
}

/// A page that has to be scrolled sideways (WCAG 2.2, 1.4.10).
async function overflow(page, name) {
  const [content, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  return content > window ? [`${name} is ${content} pixels wide in a window of ${window}`] : [];
}

async function findings(page, name) {
  // Evaluated through the debugger, so neither the policy of the page nor a switched-off JavaScript stops it.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ["violations"], iframes: false }),
  );
  return violations.map(({ id, impact, help, nodes }) => {
    const where = nodes.map((node) => node.target.join(" ")).join(", ");
    return `${name}: ${impact} finding ${id}: ${help} at ${where}`;
  });
}
