import assert from "node:assert/strict";

import { isSignedIn, signIn, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

scenario("lists the sessions and ends another one", async (stage) => {
  const desk = await stage.arrive();
  await signUp(stage, desk, "ada@example.com");
  const phone = await stage.arrive({ userAgent: PHONE, viewport: { width: 390, height: 844 } });
  await signIn(phone, "ada@example.com");

  await desk.open("/account/sessions");
  await desk.look("account-sessions");
  const others = desk.page.getByRole("button", { name: /^Sign out .*last seen/ });
  assert.equal(await others.count(), 1, "this device has no button of its own");
  assert.match(await others.first().getAttribute("aria-label"), /Safari|iPhone|iOS/);
  await desk.press(others.first(), { to: "/account/sessions" });
  assert.equal(await others.count(), 0);
  await desk.look("account-sessions-one");

  assert.equal(await isSignedIn(phone), false, "the other one is signed out at once");
  assert.equal(await isSignedIn(desk), true);
});

scenario("ends all other sessions, and then every one", async (stage) => {
  const desk = await stage.arrive();
  await signUp(stage, desk, "ada@example.com");
  const phone = await stage.arrive({ userAgent: PHONE });
  await signIn(phone, "ada@example.com");
  await desk.open("/account/sessions");
  await desk.press("Sign out others", { to: "/account/sessions" });
  assert.equal(await isSignedIn(phone), false);
  assert.equal(await isSignedIn(desk), true);

  await signIn(phone, "ada@example.com");
  await desk.open("/account/sessions");
  await desk.press("Sign out everywhere");
  assert.equal(await isSignedIn(desk), false);
  assert.equal(await isSignedIn(phone), false);
});
