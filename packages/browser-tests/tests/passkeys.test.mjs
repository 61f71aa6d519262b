import assert from "node:assert/strict";

import { Authenticator } from "../support/authenticator.mjs";
import { PASSWORD, enterIdentifier, isSignedIn, signIn, signOut, signUp } from "../support/people.mjs";
import { poll } from "../support/poll.mjs";
import { scenario } from "../support/scenario.mjs";

const ADA = "ada@example.com";
const WITH_SCRIPT = { javaScript: [true] };
const REQUIRED = { environment: { ZALT_SECOND_FACTORS_POLICY: "required" } };

/// Adds a passkey on the account page. The first one comes with recovery codes.
async function addPasskey(visitor, name, { first = true } = {}) {
  await visitor.open("/account/passkeys");
  if (name) await visitor.fill({ Name: name });
  await visitor.press("Add a passkey", { status: 200 });
  if (!first) return [];
  const codes = await visitor.page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allInnerTexts();
  assert.equal(codes.length, 10);
  await visitor.press(visitor.page.getByRole("link", { name: "I have kept them" }), { to: "/account/passkeys" });
  return codes;
}

/// A visitor whose browser offers no passkeys by itself: one that somebody is at takes them as soon as a page opens.
async function arriveWithoutAutofill(stage) {
  const visitor = await stage.arrive();
  await visitor.page.addInitScript(() => delete globalThis.PublicKeyCredential?.isConditionalMediationAvailable);
  return visitor;
}

function row(visitor, name) {
  return visitor.page.getByRole("listitem").filter({ hasText: name }).filter({ has: visitor.page.getByRole("button", { name: `Remove ${name}` }) });
}

/// What the script says of a passkey, once it is what is expected.
async function says(visitor, expected) {
  const region = visitor.page.locator("[data-passkey-says]").first();
  assert.equal(await region.getAttribute("role"), "status", "it is announced");
  return poll(`the page says ${expected}`, async () => expected.test(await region.innerText()));
}

async function passFirstFactor(visitor, to = "/sign-in/second-factor") {
  await enterIdentifier(visitor, ADA);
  await visitor.fill({ Password: PASSWORD });
  await visitor.press("Sign in", { to });
}

scenario("adds a passkey, signs in with nothing else, renames and removes it", async (stage) => {
  const ada = await arriveWithoutAutofill(stage);
  const device = await Authenticator.builtIn(ada);
  await signUp(stage, ada, ADA);
  const elsewhere = await stage.arrive();
  await signIn(elsewhere, ADA);
  await ada.open("/account/passkeys");
  await ada.look("account-passkeys-none");
  await addPasskey(ada, "Ada’s laptop");
  await ada.look("account-passkeys");
  assert.match(await row(ada, "Ada’s laptop").innerText(), /This device or key only/);
  assert.match(await row(ada, "Ada’s laptop").innerText(), /Never used/);
  assert.equal((await device.credentials()).length, 1);
  assert.equal((await device.credentials())[0].isResidentCredential, true);
  assert.equal(await isSignedIn(elsewhere), false, "sessions of one factor end");
  await stage.inbox.about(ADA, /passkey|second/i);

  await ada.open("/account/activity");
  await ada.page.getByText("Passkey added").waitFor();
  await ada.look("account-activity-passkeys");
  await signOut(ada);
  await ada.look("sign-in-with-passkey");
  await ada.press("Sign in with a passkey", { to: "/account" });

  await ada.open("/account/passkeys");
  assert.match(await row(ada, "Ada’s laptop").innerText(), /Last used/);
  await ada.press(ada.page.getByRole("link", { name: "Rename Ada’s laptop" }), { to: "/account/passkeys/rename" });
  assert.equal(await ada.page.getByLabel("Name", { exact: true }).inputValue(), "Ada’s laptop");
  await ada.look("account-passkey-rename");
  await ada.fill({ Name: "<b>Laptop</b>" });
  await ada.press("Save", { to: "/account/passkeys", status: 200 });
  await row(ada, "<b>Laptop</b>").waitFor();
  await ada.press(ada.page.getByRole("button", { name: "Remove <b>Laptop</b>" }), { to: "/account/passkeys", status: 200 });
  await ada.page.getByText("No passkey yet").waitFor();
  await ada.look("account-passkeys-removed");

  await signOut(ada);
  await signIn(ada, ADA);
}, WITH_SCRIPT);

scenario("signs in with a passkey after the identifier", async (stage) => {
  const ada = await arriveWithoutAutofill(stage);
  const device = await Authenticator.builtIn(ada);
  await signUp(stage, ada, ADA);
  await addPasskey(ada, "Laptop");
  await signOut(ada);
  await enterIdentifier(ada, ADA);
  await ada.look("sign-in-password-or-passkey");
  await ada.press("Use a passkey", { to: "/account" });
  assert.equal((await device.credentials())[0].signCount > 1, true, "it was asked again");

  // Nothing is said of whether an identifier has a passkey, or an owner.
  const stranger = await arriveWithoutAutofill(stage);
  await Authenticator.builtIn(stranger);
  const answers = [];
  for (const identifier of [ADA, "nobody@example.com"]) {
    await enterIdentifier(stranger, identifier);
    const [reply] = await Promise.all([
      stranger.page.waitForResponse((response) => response.url().endsWith("/sign-in/passkey/options")),
      stranger.page.getByRole("button", { name: "Use a passkey" }).click(),
    ]);
    const { challenge, ...rest } = await reply.json();
    assert.equal(challenge.length, 64);
    answers.push(rest);
    await says(stranger, /No passkey was used/);
  }
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual(answers[0].allowCredentials, []);
  await stranger.look("sign-in-passkey-cancelled");
}, WITH_SCRIPT);

scenario("offers passkeys where the identifier is typed", async (stage) => {
  const ada = await stage.arrive();
  const device = await Authenticator.builtIn(ada);
  await signUp(stage, ada, ADA);
  await addPasskey(ada, "Laptop");
  await device.isThere(false);
  await signOut(ada);
  assert.equal(await ada.page.getByLabel("E-mail address or username").getAttribute("autocomplete"), "username webauthn");
  // The browser takes the passkey from its list as soon as somebody is there to choose it; nothing is pressed.
  await Promise.all([ada.page.waitForURL((url) => url.pathname === "/account"), device.isThere(true), ada.page.reload()]);
  assert.equal(await isSignedIn(ada), true);
}, WITH_SCRIPT);

scenario("asks for a key without verification as the second factor", async (stage) => {
  const ada = await arriveWithoutAutofill(stage);
  const key = await Authenticator.touchedKey(ada);
  await signUp(stage, ada, ADA);
  const codes = await addPasskey(ada, "Blue key");
  assert.deepEqual((await key.credentials()).map(({ isResidentCredential }) => isResidentCredential), [false]);
  await signOut(ada);
  await passFirstFactor(ada);
  assert.equal(await isSignedIn(ada), false, "the password alone is not enough");
  await ada.open("/sign-in/second-factor");
  await ada.look("second-factor-passkey");
  await ada.press("Use a passkey", { to: "/account" });
  await signOut(ada);

  // Touching it is one factor, and the first has to be more than that.
  await ada.page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await says(ada, /No passkey was used|can’t do what is needed/);
  assert.equal(await isSignedIn(ada), false);

  await passFirstFactor(ada);
  await ada.press(ada.page.getByRole("link", { name: "Use a recovery code" }), { to: "/sign-in/second-factor" });
  await ada.fill({ "Recovery code": codes[0] });
  await ada.press("Continue", { to: "/account" });
}, WITH_SCRIPT);

scenario("has everybody set up a passkey on the way in", async (stage) => {
  const ada = await arriveWithoutAutofill(stage);
  await Authenticator.builtIn(ada);
  await signUp(stage, ada, ADA, { to: "/sign-in/set-up" });
  await passFirstFactor(ada, "/sign-in/set-up");
  await ada.look("set-up-with-passkey");
  await ada.press("Create a passkey", { to: "/sign-in/set-up/passkey", status: 200 });
  await ada.look("set-up-recovery-codes");
  await ada.press(ada.page.getByRole("link", { name: "I have kept them" }), { to: "/account" });
  await ada.open("/account/passkeys");
  await ada.press(ada.page.getByRole("button", { name: /^Remove / }), { to: "/account/passkeys/remove", status: 422 });
  await ada.page.getByRole("alert").filter({ hasText: "Everybody here needs a second factor" }).waitFor();
  await signOut(ada);
  // It checked who was there, so nothing more is asked.
  await ada.press("Sign in with a passkey", { to: "/account" });
}, { ...WITH_SCRIPT, ...REQUIRED });

scenario("asks for a passkey before an important change", async (stage) => {
  const ada = await arriveWithoutAutofill(stage);
  await Authenticator.builtIn(ada);
  await signUp(stage, ada, ADA);
  await addPasskey(ada, "Laptop");
  await ada.open("/account/emails");
  await ada.fill({ "E-mail address": "countess@example.org" });
  await ada.press("Add address", { to: "/account/reauthenticate" });
  await ada.look("reauthenticate-passkey");
  await ada.press("Use a passkey", { to: "/account/emails", status: 200 });
  assert.equal(await ada.page.getByText("countess@example.org").count(), 0, "nothing was changed before");
  await ada.fill({ "E-mail address": "countess@example.org" });
  await ada.press("Add address", { to: "/account/emails/verify" });
}, WITH_SCRIPT);

scenario("says what is wrong and lets people try again", async (stage) => {
  const ada = await arriveWithoutAutofill(stage);
  const device = await Authenticator.builtIn(ada);
  await signUp(stage, ada, ADA);
  await addPasskey(ada, "Laptop");
  // A second passkey needs the first, which was not shown in this session.
  await ada.press("Add a passkey", { to: "/account/reauthenticate" });
  await ada.press("Use a passkey", { to: "/account/passkeys" });
  const add = ada.page.getByRole("button", { name: "Add a passkey" });
  await add.click();
  await says(ada, /holds a passkey for your account already/);
  assert.equal(await add.isEnabled(), true);
  assert.equal(await add.evaluate((button) => button === document.activeElement), true, "the focus is where one tries again");
  await ada.look("account-passkeys-again");
  await device.remove();
  const phone = await Authenticator.builtIn(ada);
  await ada.fill({ Name: "Phone" });
  await ada.press("Add a passkey", { to: "/account/passkeys", status: 200 });
  await row(ada, "Phone").waitFor();
  await row(ada, "Laptop").waitFor();
  await ada.look("account-passkeys-two");

  await signOut(ada);
  await enterIdentifier(ada, ADA);
  await phone.recognises(false);
  await ada.page.getByRole("button", { name: "Use a passkey" }).click();
  await says(ada, /No passkey was used/);
  await phone.recognises(true);
  await ada.press("Use a passkey", { to: "/account" });
}, WITH_SCRIPT);

scenario("does without what older browsers lack", async (stage) => {
  const ada = await stage.arrive();
  await ada.page.addInitScript(() => {
    delete PublicKeyCredential.parseCreationOptionsFromJSON;
    delete PublicKeyCredential.parseRequestOptionsFromJSON;
    delete PublicKeyCredential.isConditionalMediationAvailable;
    delete PublicKeyCredential.signalAllAcceptedCredentials;
    delete PublicKeyCredential.prototype.toJSON;
  });
  await Authenticator.builtIn(ada);
  await signUp(stage, ada, ADA);
  await addPasskey(ada, "Laptop");
  await signOut(ada);
  await ada.press("Sign in with a passkey", { to: "/account" });
}, WITH_SCRIPT);

scenario("says where passkeys can't be used, and leaves the other ways", async (stage) => {
  const ada = await stage.arrive();
  if (stage.javaScript) await ada.page.addInitScript(() => delete globalThis.PublicKeyCredential);
  await signUp(stage, ada, ADA);
  await ada.open("/account/passkeys");
  await ada.page.getByText("Adding a passkey needs JavaScript").waitFor();
  assert.equal(await ada.page.getByRole("button", { name: "Add a passkey" }).count(), 0);
  await ada.look("account-passkeys-without");
  await signOut(ada);
  await ada.page.getByText("Signing in with a passkey needs JavaScript").waitFor();
  assert.equal(await ada.page.getByRole("button", { name: "Sign in with a passkey" }).count(), 0);
  await ada.look("sign-in-without-passkeys");
  await enterIdentifier(ada, ADA);
  await ada.page.getByText("A passkey needs JavaScript").waitFor();
  await ada.look("sign-in-password-without-passkeys");
  await ada.fill({ Password: PASSWORD });
  await ada.press("Sign in", { to: "/account" });
});
