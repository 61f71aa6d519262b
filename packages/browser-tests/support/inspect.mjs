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

/// Without JavaScript a page looks the same; two forms show both colours and both widths.
const FORMS_WITHOUT_SCRIPT = FORMS.filter(({ form }) => form === "wide-light" || form === "narrow-dark");

const seen = new Set();

/// Findings of any weight are returned: the pages are our own, and there is no reason to live with one.
export async function inspect(page, name, javaScript) {
  const key = `${name}-${javaScript}`;
  if (seen.has(key)) return [];
  seen.add(key);
  const before = page.viewportSize();
  const found = [];
  await mkdir(FOLDER, { recursive: true });
  const examined = javaScript ? page : await twin(page);
  for (const { form, colorScheme, width, height } of javaScript ? FORMS : FORMS_WITHOUT_SCRIPT) {
    for (const one of new Set([page, examined])) {
      await one.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await one.setViewportSize({ width, height });
    }
    found.push(...(await overflow(page, `${name} (${form})`)));
    found.push(...(await findings(examined, `${name} (${form})`)));
    const file = `${name}-${javaScript ? "js" : "nojs"}-${form}.png`;
    await page.screenshot({ path: join(FOLDER, file), fullPage: true, animations: "disabled" });
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(before);
  if (examined !== page) await examined.context().close();
  return found;
}

/// The same page in a browser with JavaScript, which axe needs, and without the script of the page.
async function twin(page) {
  const html = await page.content();
  const context = await page.context().browser().newContext();
  await context.route("**/*", (route) => {
    const type = route.request().resourceType();
    if (type === "document") return route.fulfill({ contentType: "text/html; charset=utf-8", body: html });
    return type === "script" ? route.abort() : route.continue();
  });
  const twin = await context.newPage();
  await twin.goto(page.url());
  return twin;
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
  // Evaluated through the debugger, so that the policy of the page does not stop it.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ["violations"], iframes: false }),
  );
  return violations.map(({ id, impact, help, nodes }) => {
    const where = nodes.map((node) => node.target.join(" ")).join(", ");
    return `${name}: ${impact} finding ${id}: ${help} at ${where}`;
  });
}
