import assert from "node:assert/strict";

import { NEW_PASSWORD, PASSWORD, enterIdentifier, isSignedIn, signIn, signOut, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

scenario("sets a new password with a code", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  const elsewhere = await stage.arrive();
  await signIn(elsewhere, "ada@example.com");
  await signOut(ada);

  await enterIdentifier(ada, "ada@example.com");
  await ada.press(ada.page.getByRole("link", { name: "Forgot password?" }), { to: "/password/forgotten" });
  await ada.look("password-forgotten");
  await ada.fill({ "E-mail address": "ada@example.com" });
  await ada.press("Send the code", { to: "/password/code" });
  await ada.look("password-code");
  const { code } = await stage.inbox.code("ada@example.com");
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/password/new" });
  await ada.look("password-new");
  await ada.fill({ "New password": NEW_PASSWORD });
  await ada.press("Set the password", { to: "/password/done" });
  await ada.look("password-done");
  assert.equal(await isSignedIn(ada), false, "a reset signs nobody in");
  assert.equal(await isSignedIn(elsewhere), false, "every session ended");

  await enterIdentifier(ada, "ada@example.com");
  await ada.fill({ Password: PASSWORD });
  await ada.press("Sign in", { to: "/sign-in/password", status: 422 });
  await ada.fill({ Password: NEW_PASSWORD });
  await ada.press("Sign in", { to: "/account" });
  await stage.inbox.about("ada@example.com", /password/i);
});

scenario("sets a new password by a link that is opened in another browser", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await signOut(ada);
  await ada.open("/password/forgotten");
  await ada.fill({ "E-mail address": "ada@example.com" });
  await ada.press("Send the code", { to: "/password/code" });
  const { link } = await stage.inbox.code("ada@example.com");
  assert.ok(link, "the mail has a link too");
  assert.equal(new URL(link).origin, stage.server.origin);

  const phone = await stage.arrive({ viewport: { width: 390, height: 844 } });
  await phone.open(link);
  await phone.look("link-reset-password");
  await phone.open(link);
  await phone.press("Choose a new password", { to: "/password/new" });
  await phone.fill({ "New password": NEW_PASSWORD });
  await phone.press("Set the password", { to: "/password/done" });
  await signIn(phone, "ada@example.com", { password: NEW_PASSWORD });

  const late = await stage.arrive();
  await late.page.goto(link);
  if (await late.page.getByRole("button", { name: "Choose a new password" }).isVisible()) {
    await late.press("Choose a new password", { to: "/password/link" });
  }
  await late.page.getByRole("heading", { name: /doesn’t work/ }).waitFor();
  await late.look("link-used");
});

scenario("goes through a reset for an address that nobody has, up to the code", async (stage) => {
  const stranger = await stage.arrive();
  await stranger.open("/password/forgotten");
  await stranger.fill({ "E-mail address": "nobody@example.com" });
  await stranger.press("Send the code", { to: "/password/code", status: 200 });
  await stranger.fill({ Code: "123456" });
  await stranger.press("Continue", { to: "/password/code", status: 422 });
});

scenario("changes the password on the account page", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  const elsewhere = await stage.arrive();
  await signIn(elsewhere, "ada@example.com");

  await ada.open("/account/password");
  await ada.look("account-password");
  await ada.fill({ "Current password": "not the password at all", "New password": NEW_PASSWORD });
  await ada.press("Change password", { to: "/account/password", status: 422 });
  assert.ok(await ada.page.locator("#current_password-error").isVisible());
  await ada.look("account-password-wrong");
  await ada.fill({ "Current password": PASSWORD, "New password": NEW_PASSWORD });
  await ada.press("Change password", { to: "/account/password", status: 200 });
  await ada.page.getByRole("status").waitFor();
  await ada.look("account-password-changed");

  assert.equal(await isSignedIn(ada), true, "the session that changed it stays");
  assert.equal(await isSignedIn(elsewhere), false, "the others end");
  await signOut(ada);
  await signIn(ada, "ada@example.com", { password: NEW_PASSWORD });
});

scenario("keeps the other sessions where somebody wants to", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  const elsewhere = await stage.arrive();
  await signIn(elsewhere, "ada@example.com");
  await ada.open("/account/password");
  await ada.fill({ "Current password": PASSWORD, "New password": NEW_PASSWORD });
  await ada.page.getByLabel("Sign out everywhere else").uncheck();
  await ada.press("Change password", { to: "/account/password", status: 200 });
  assert.equal(await isSignedIn(elsewhere), true);
});
