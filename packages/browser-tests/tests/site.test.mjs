import assert from "node:assert/strict";

import { PASSWORD, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

scenario("has a page for what is not there", async (stage) => {
  const ada = await stage.arrive();
  await ada.open("/no/such/page", { status: 404 });
  await ada.look("not-found");
  await ada.open("/dev/inbox");
  await ada.look("dev-inbox-empty");
});

scenario("shows mail in the dev inbox as a mail program would", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await ada.open("/dev/inbox");
  await ada.look("dev-inbox");
  await ada.press(ada.page.getByRole("listitem").getByRole("link").first());
  await ada.page.frameLocator("iframe").getByRole("heading").first().waitFor();
  await ada.look("dev-message");
  const mail = await ada.page.goto(await ada.page.locator("iframe").getAttribute("src"));
  assert.match(mail.headers()["content-security-policy"], /^sandbox/);
});

scenario("sends strict headers with every page", async (stage) => {
  const ada = await stage.arrive();
  for (const path of ["/", "/sign-in", "/sign-up", "/password/forgotten", "/dev/inbox"]) {
    const headers = (await ada.open(path)).headers();
    const policy = headers["content-security-policy"];
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.doesNotMatch(policy, /unsafe/, path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.equal(headers["referrer-policy"], "same-origin", path);
    assert.match(headers["cache-control"], /no-store/, path);
    assert.equal(headers["cross-origin-opener-policy"], "same-origin", path);
  }
});

scenario("can be used with the keyboard alone", async (stage) => {
  const ada = await stage.arrive();
  const { keyboard } = ada.page;
  await ada.open("/sign-up");
  await keyboard.press("Tab");
  assert.equal(await ada.page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await ada.look("skip-link");
  await ada.open("/sign-up");
  await tabTo(ada, "E-mail address");
  await keyboard.type("ada@example.com");
  await tabTo(ada, "Password");
  await keyboard.type(PASSWORD);
  await enter(ada, "/sign-up/verify");
  const { code } = await stage.inbox.code("ada@example.com");
  await tabTo(ada, "Code");
  await keyboard.type(code);
  await enter(ada, "/account");
});

/// Presses Tab until the field with this label has the focus.
async function tabTo(visitor, label) {
  const field = visitor.page.getByLabel(label, { exact: true });
  for (let presses = 0; presses < 40; presses += 1) {
    if (await field.evaluate((element) => element === document.activeElement)) return;
    await visitor.page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${label}`);
}

/// Sends the form that has the focus.
async function enter(visitor, to) {
  await Promise.all([
    visitor.page.waitForURL((url) => url.pathname === to),
    visitor.page.keyboard.press("Enter"),
  ]);
}
