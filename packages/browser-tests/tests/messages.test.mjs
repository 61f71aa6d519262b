import assert from "node:assert/strict";

import { PASSWORD, isSignedIn, signOut, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

const ADA = "ada@example.com";
const NUMBER = "+436601234567";
const TYPED = "+43 660 1234567";
const ANY_IDENTIFIER = "E-mail address, phone number or username";
const TEXTS = {
  environment: {
    ZALT_PHONE_NUMBERS_COUNTRIES: "AT,DE",
    ZALT_FIRST_FACTORS: "password,email_code,email_link,sms_code",
    ZALT_SECOND_FACTORS_METHODS: "totp,sms_code,email_code",
    ZALT_TRUSTED_DEVICES: "30d",
  },
};

/// The first step of signing in, where phone numbers are known.
async function enter(visitor, identifier) {
  await visitor.open("/sign-in");
  await visitor.fill({ [ANY_IDENTIFIER]: identifier });
  await visitor.press("Continue", { to: "/sign-in/password" });
}

async function passFirstFactor(visitor, to = "/sign-in/second-factor") {
  await enter(visitor, ADA);
  await visitor.fill({ Password: PASSWORD });
  await visitor.press("Sign in", { to });
}

async function addNumber(stage, visitor) {
  await visitor.open("/account/phone-numbers");
  await visitor.fill({ "Phone number": TYPED });
  await visitor.press("Add number", { to: "/account/phone-numbers/verify" });
  const { code } = await stage.inbox.code(NUMBER);
  await visitor.fill({ Code: code });
  await visitor.press("Continue", { to: "/account/phone-numbers" });
}

/// Has codes sent to `to`, and keeps the recovery codes if there are some.
async function turnOn(visitor, to) {
  await visitor.open("/account/second-factors");
  await visitor.press(`Turn on codes to ${to}`);
  const kept = visitor.page.getByRole("link", { name: "I have kept them" });
  if ((await kept.count()) > 0) await visitor.press(kept, { to: "/account/second-factors" });
}

/// Proves again who is there, with a wrong code before the right one.
async function stepUpByText(stage, visitor, to) {
  if (visitor.path() !== "/account/reauthenticate") await visitor.open(`/account/reauthenticate?return_to=${to}`);
  await visitor.page.getByText(NUMBER).waitFor();
  await visitor.press("Send the code", { to: "/account/reauthenticate" });
  await visitor.look("reauthenticate-text-sent");
  const { code } = await stage.inbox.code(NUMBER);
  await visitor.fill({ Code: wrong(code) });
  await visitor.press("Continue", { status: 422 });
  await visitor.fill({ Code: code });
  await visitor.press("Continue", { to });
}

function wrong(code) {
  return String((Number(code) + 1) % 1_000_000).padStart(6, "0");
}

scenario("adds a phone number, verifies it by the text message and removes it", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  await ada.press(ada.page.getByRole("link", { name: "Phone numbers" }).locator("visible=true"), { to: "/account/phone-numbers" });
  await ada.look("account-phone-numbers-none");
  await ada.fill({ "Phone number": "+44 7911 123456" });
  await ada.press("Add number", { to: "/account/phone-numbers", status: 422 });
  assert.match(await ada.page.locator("#phone_number-error").innerText(), /country that is served/);
  await ada.look("account-phone-numbers-refused");

  await ada.fill({ "Phone number": TYPED });
  await ada.press("Add number", { to: "/account/phone-numbers/verify" });
  await ada.look("account-phone-number-verify");
  const { code, subject } = await stage.inbox.code(NUMBER);
  assert.equal(subject, "Text message");
  await ada.fill({ Code: wrong(code) });
  await ada.press("Continue", { to: "/account/phone-numbers/verify", status: 422 });
  await ada.look("account-phone-number-verify-wrong");
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account/phone-numbers" });
  const row = ada.page.getByRole("listitem").filter({ hasText: NUMBER });
  assert.match(await row.innerText(), /Primary/);
  await ada.look("account-phone-numbers");
  await stage.inbox.about(ADA, /phone number/i);

  await ada.press(`Remove ${NUMBER}`, { to: "/account/phone-numbers" });
  await ada.page.getByText("No number yet").waitFor();
}, TEXTS);

scenario("shows text messages in the dev inbox", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  await addNumber(stage, ada);
  const reader = await stage.arrive();
  await reader.open("/dev/inbox");
  await reader.look("dev-inbox-text");
  await reader.press(reader.page.getByRole("link", { name: "Text message" }).first());
  await reader.page.getByText("to confirm this number").waitFor();
  await reader.look("dev-message-text");
}, TEXTS);

scenario("signs in by a text message", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  await addNumber(stage, ada);
  await signOut(ada);

  await ada.open("/sign-in");
  await ada.look("sign-in-with-numbers");
  await enter(ada, TYPED);
  await ada.look("sign-in-every-way");
  await ada.press("Text me a code", { to: "/sign-in/code" });
  await ada.look("sign-in-text");
  const { code } = await stage.inbox.code(NUMBER);
  await ada.fill({ Code: wrong(code) });
  await ada.press("Continue", { to: "/sign-in/code", status: 422 });
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });

  const stranger = await stage.arrive();
  await enter(stranger, "nobody@example.com");
  await stranger.press("Text me a code", { to: "/sign-in/code" });
  await stranger.page.getByText("If this account has a phone number").waitFor();
  await stranger.look("sign-in-text-somewhere");
}, TEXTS);

scenario("confirms a sign-in and a change by sent codes, and turns them off", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  await ada.open("/account/second-factors");
  await ada.page.getByRole("link", { name: "add a phone number" }).waitFor();
  await ada.look("account-sent-codes-none");
  await addNumber(stage, ada);
  await ada.open("/account/second-factors");
  await ada.press(`Turn on codes to ${NUMBER}`);
  await ada.look("recovery-codes-of-texts");
  await ada.press(ada.page.getByRole("link", { name: "I have kept them" }), { to: "/account/second-factors" });
  await stepUpByText(stage, ada, "/account/second-factors");
  await turnOn(ada, ADA);
  await ada.look("account-sent-codes");
  await stage.inbox.about(ADA, /text message were turned on/);
  await stage.inbox.about(ADA, /e.mail were turned on/);
  await signOut(ada);

  await passFirstFactor(ada);
  await ada.look("second-factor-text");
  assert.equal(await ada.page.getByText(NUMBER).count(), 0, "the number is not told");
  await ada.press("Send the code", { to: "/sign-in/second-factor" });
  await ada.look("second-factor-text-sent");
  const { code } = await stage.inbox.code(NUMBER);
  await ada.fill({ Code: wrong(code) });
  await ada.press("Continue", { to: "/sign-in/second-factor", status: 422 });
  await ada.look("second-factor-text-wrong");
  assert.equal(await isSignedIn(ada), false);
  await ada.open("/sign-in/second-factor?use=sms_code");
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });
  await signOut(ada);

  await passFirstFactor(ada);
  await ada.press(ada.page.getByRole("link", { name: "Get a code by e‑mail" }), { to: "/sign-in/second-factor" });
  await ada.look("second-factor-mail");
  await ada.press("Send the code", { to: "/sign-in/second-factor" });
  const mailed = await stage.inbox.code(ADA);
  await ada.fill({ Code: mailed.code });
  await ada.press("Continue", { to: "/account" });

  await ada.open("/account/second-factors");
  await ada.press(`Turn off codes to ${ADA}`, { to: "/account/second-factors" });
  await ada.press(`Turn off codes to ${NUMBER}`, { to: "/account/second-factors" });
  await ada.page.getByRole("button", { name: `Turn on codes to ${NUMBER}` }).waitFor();
  await signOut(ada);
  await passFirstFactor(ada, "/account");
}, TEXTS);

scenario("asks for a sent code before an important change", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  await addNumber(stage, ada);
  await turnOn(ada, NUMBER);
  await ada.open("/account/emails");
  await ada.fill({ "E-mail address": "countess@example.org" });
  await ada.press("Add address", { to: "/account/reauthenticate" });
  await ada.look("reauthenticate-text");
  await stepUpByText(stage, ada, "/account/emails");
  assert.equal(await ada.page.getByText("countess@example.org").count(), 0, "nothing was changed before");
  await ada.fill({ "E-mail address": "countess@example.org" });
  await ada.press("Add address", { to: "/account/emails/verify" });
}, TEXTS);

scenario("has a device trusted, and forgotten again", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, ADA);
  await ada.open("/account/sessions");
  await ada.look("account-devices-none");
  await turnOn(ada, ADA);
  await signOut(ada);

  await passFirstFactor(ada);
  await ada.press("Send the code", { to: "/sign-in/second-factor" });
  const { code } = await stage.inbox.code(ADA);
  await ada.fill({ Code: wrong(code) });
  await ada.page.getByLabel("Don’t ask again on this device for 30 days").check();
  await ada.press("Continue", { status: 422 });
  assert.equal(await ada.page.getByLabel("Don’t ask again on this device for 30 days").isChecked(), true);
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });
  await signOut(ada);
  await passFirstFactor(ada, "/account");

  const elsewhere = await stage.arrive();
  await passFirstFactor(elsewhere);
  await ada.open("/account/sessions");
  await ada.look("account-devices");
  await ada.press(ada.page.getByRole("button", { name: /^Forget / }), { to: "/account/sessions" });
  await ada.page.getByText("No trusted device").waitFor();
  await signOut(ada);
  await passFirstFactor(ada);
}, TEXTS);
