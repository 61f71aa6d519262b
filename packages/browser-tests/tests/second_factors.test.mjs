import assert from "node:assert/strict";

import { AuthenticatorApp } from "../support/app.mjs";
import { PASSWORD, enterIdentifier, isSignedIn, signIn, signOut, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

const ADA = "ada@example.com";
const REQUIRED = { environment: { ZALT_SECOND_FACTORS_POLICY: "required" } };

/// Takes over the secret that the page shows.
async function scan(visitor) {
  assert.equal(await visitor.page.getByRole("img", { name: /QR/ }).count(), 1);
  return new AuthenticatorApp(await visitor.page.locator("#totp-secret").innerText());
}

/// Confirms the app and returns it with the recovery codes.
async function confirm(visitor, app) {
  await visitor.fill({ Code: await app.code() });
  await visitor.press("Confirm");
  const codes = await visitor.page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allInnerTexts();
  assert.equal(new Set(codes).size, 10);
  return codes;
}

async function keepCodes(visitor, to) {
  await visitor.press(visitor.page.getByRole("link", { name: "I have kept them" }), { to });
}

/// Sets up an app on the account page.
async function setUp(visitor) {
  await visitor.open("/account/second-factors");
  await visitor.press("Add an app");
  const app = await scan(visitor);
  const codes = await confirm(visitor, app);
  await keepCodes(visitor, "/account/second-factors");
  return { app, codes };
}

async function passFirstFactor(visitor, to = "/sign-in/second-factor") {
  await enterIdentifier(visitor, ADA);
  await visitor.fill({ Password: PASSWORD });
  await visitor.press("Sign in", { to });
}

scenario("sets up an app, signs in with its code and removes it", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  const elsewhere = await stage.arrive();
  await signIn(elsewhere, ADA);

  await ada.open("/account/second-factors");
  await ada.look("account-second-factors-none");
  await ada.fill({ "Name of the app or phone": "Ada’s phone" });
  await ada.press("Add an app");
  await ada.look("account-totp");
  const app = await scan(ada);
  await ada.fill({ Code: app.wrong() });
  await ada.press("Confirm", { status: 422 });
  assert.equal(await ada.page.locator("#totp-secret").count(), 0, "the secret is shown once");
  assert.match(await ada.page.locator("#code-error").innerText(), /not right/);
  await ada.look("account-totp-wrong");
  assert.equal(await isSignedIn(elsewhere), true, "nothing is set up yet");
  await confirm(ada, app);
  await ada.look("recovery-codes");
  await keepCodes(ada, "/account/second-factors");
  await ada.page.getByText("Ada’s phone", { exact: true }).waitFor();
  await ada.page.getByText("10 codes are left.").waitFor();
  await ada.look("account-second-factors");
  assert.equal(await isSignedIn(elsewhere), false, "sessions of one factor end");
  await stage.inbox.about(ADA, /second|step|authenticator/i);

  await signOut(ada);
  await passFirstFactor(ada);
  await ada.look("second-factor");
  assert.equal(await isSignedIn(ada), false, "the password alone is not enough");
  await ada.open("/sign-in/second-factor");
  await ada.fill({ Code: app.wrong() });
  await ada.press("Continue", { to: "/sign-in/second-factor", status: 422 });
  await ada.look("second-factor-wrong");
  const code = await app.code();
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });

  const thief = await stage.arrive();
  await passFirstFactor(thief);
  await thief.fill({ Code: code });
  await thief.press("Continue", { to: "/sign-in/second-factor", status: 422 });

  await ada.open("/account/second-factors");
  await ada.press(ada.page.getByRole("button", { name: "Remove Ada’s phone" }), { to: "/account/second-factors" });
  await ada.page.getByText("No app yet").waitFor();
  await signOut(ada);
  await signIn(ada, ADA);
});

scenario("signs in with a recovery code, once", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  const { codes } = await setUp(ada);
  await signOut(ada);

  await passFirstFactor(ada);
  await ada.press(ada.page.getByRole("link", { name: "Use a recovery code" }), { to: "/sign-in/second-factor" });
  await ada.look("second-factor-recovery");
  await ada.fill({ "Recovery code": codes[3].toUpperCase() });
  await ada.press("Continue", { to: "/account" });
  await ada.open("/account/second-factors");
  await ada.page.getByText("9 codes are left.").waitFor();

  const thief = await stage.arrive();
  await passFirstFactor(thief);
  await thief.press(thief.page.getByRole("link", { name: "Use a recovery code" }));
  await thief.fill({ "Recovery code": codes[3] });
  await thief.press("Continue", { to: "/sign-in/second-factor", status: 422 });
  await thief.look("second-factor-recovery-wrong");
  assert.match(await thief.page.locator("#code-error").innerText(), /used already/);

  await ada.press("Make new codes");
  const next = await ada.page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allInnerTexts();
  assert.equal(next.length, 10);
  assert.deepEqual(next.filter((code) => codes.includes(code)), []);
  await thief.fill({ "Recovery code": codes[4] });
  await thief.press("Continue", { to: "/sign-in/second-factor", status: 422 });
});

scenario("has the codes copied and saved", async (stage) => {
  const ada = await stage.arrive({ permissions: ["clipboard-read", "clipboard-write"] });
  await signUp(stage, ada, ADA);
  await ada.open("/account/second-factors");
  await ada.press("Add an app");
  const secret = await ada.page.locator("#totp-secret").innerText();
  await ada.page.getByRole("button", { name: "Copy the key" }).click();
  await ada.page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await ada.page.evaluate(() => navigator.clipboard.readText()), secret.replace(/\s/g, ""));

  const codes = await confirm(ada, new AuthenticatorApp(secret));
  await ada.page.getByRole("button", { name: "Copy", exact: true }).click();
  await ada.page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await ada.page.evaluate(() => navigator.clipboard.readText()), codes.join("\n"));
  const [download] = await Promise.all([
    ada.page.waitForEvent("download"),
    ada.page.getByRole("button", { name: "Save as a file" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "recovery-codes.txt");
  const saved = await (await download.createReadStream()).toArray();
  assert.equal(Buffer.concat(saved).toString(), `${codes.join("\n")}\n`);
}, { javaScript: [true] });

scenario("has everybody set up an app on the way in", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA, { to: "/sign-in/set-up" });
  assert.equal(await isSignedIn(ada), false, "signing up is no way around it");

  await passFirstFactor(ada, "/sign-in/set-up");
  await ada.look("set-up");
  assert.equal(await isSignedIn(ada), false, "the password alone is not enough");
  await ada.open("/sign-in/set-up");
  await ada.press("Use an authenticator app", { to: "/sign-in/set-up" });
  const app = await scan(ada);
  await ada.look("set-up-totp");
  await ada.fill({ Code: app.wrong() });
  await ada.press("Confirm", { to: "/sign-in/set-up/confirm", status: 422 });
  assert.equal(await isSignedIn(ada), false);
  await ada.open("/sign-in/set-up");
  await ada.press("Use an authenticator app", { to: "/sign-in/set-up" });
  const again = await scan(ada);
  await confirm(ada, again);
  await keepCodes(ada, "/account");

  await ada.open("/account/second-factors");
  await ada.press(ada.page.getByRole("button", { name: /^Remove / }), { to: "/account/second-factors/remove", status: 422 });
  await ada.page.getByRole("alert").filter({ hasText: "Everybody here needs a second factor" }).waitFor();
  await ada.look("account-second-factors-last");
}, REQUIRED);

scenario("asks for the second factor before an important change", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  const { app } = await setUp(ada);
  await ada.open("/account/emails");
  await ada.fill({ "E-mail address": "countess@example.org" });
  await ada.press("Add address", { to: "/account/reauthenticate" });
  await ada.look("reauthenticate-second-factor");
  await ada.fill({ Code: app.wrong() });
  await ada.press("Continue", { status: 422 });
  await ada.fill({ Code: await app.code() });
  await ada.press("Continue", { to: "/account/emails", status: 200 });
  assert.equal(await ada.page.getByText("countess@example.org").count(), 0, "nothing was changed before");
  await ada.fill({ "E-mail address": "countess@example.org" });
  await ada.press("Add address", { to: "/account/emails/verify" });
});
