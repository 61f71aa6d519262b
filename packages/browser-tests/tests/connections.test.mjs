import assert from "node:assert/strict";

import { ACME, HOST, OTHER, cancel, failure, goOnAs, goTo, introduced, logIn, providers } from "../support/connections.mjs";
import { PASSWORD, isSignedIn, signIn, signOut, signUp } from "../support/people.mjs";
import { nonsense } from "../support/providers/web.mjs";
import { scenario } from "../support/scenario.mjs";

const ADA = "ada@example.com";
const VERIFIED = { email: ADA, email_verified: true, name: "Ada Lovelace", given_name: "Ada", family_name: "Lovelace" };
const FAILED = "/sign-in/connection";
const WITH = { company: providers };
const WITH_SCRIPT = { ...WITH, javaScript: [true] };

/// A visitor at the sign-in page of a server that knows its providers.
async function atSignIn(stage) {
  const visitor = await introduced(stage);
  await visitor.open("/sign-in");
  return visitor;
}

async function accounts(visitor) {
  await visitor.open("/account/connections");
  return visitor.page.getByRole("listitem").filter({ has: visitor.page.getByRole("button", { name: /^Disconnect/ }) });
}

scenario("signs up, out and in again with an OpenID provider", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  const ada = await introduced(stage);
  await ada.open("/sign-up");
  await ada.look("sign-up-with-connections");
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/account");
  assert.equal(await ada.page.getByLabel("First name").inputValue(), "Ada");
  await ada.open("/account/emails");
  await ada.page.getByText(ADA, { exact: true }).first().waitFor();
  assert.equal(await (await accounts(ada)).count(), 1);
  await ada.look("account-connections");
  await signOut(ada);
  assert.equal(await isSignedIn(ada), false);

  // Where they wanted to be, and as who they are there: the address has changed.
  stage.acme.person("ada", { email: "countess@example.org" });
  await ada.open("/account/sessions");
  assert.equal(ada.path(), "/sign-in");
  await ada.look("sign-in-with-connections");
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/account/sessions");
  await ada.open("/account/emails");
  assert.equal(await ada.page.getByText("countess@example.org").count(), 0);
  await ada.open("/account/activity");
  await ada.page.getByText("Account connected").waitFor();
}, WITH);

scenario("signs up, out and in again with a code host", async (stage) => {
  stage.host.person("ada", { name: "Ada Lovelace", emails: [{ email: ADA, primary: true, verified: true, visibility: null }] });
  const ada = await introduced(stage);
  await ada.open("/sign-up");
  await goTo(ada, HOST, stage.host.origin);
  await goOnAs(ada, "ada", "/account");
  await ada.open("/account/emails");
  await ada.page.getByText(ADA, { exact: true }).first().waitFor();
  await signOut(ada);
  await goTo(ada, HOST, stage.host.origin);
  await goOnAs(ada, "ada", "/account");
  assert.equal(await (await accounts(ada)).count(), 1);
}, WITH);

scenario("links an account and takes it away again", async (stage) => {
  stage.acme.person("work", { email: "ada@work.example", email_verified: true });
  const ada = await introduced(stage);
  await signUp(stage, ada, ADA);
  await ada.open("/account/connections");
  await ada.look("account-connections-none");
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "work", "/account/connections");
  await ada.page.getByRole("status").filter({ hasText: "The account is connected" }).waitFor();
  await ada.look("account-connections-linked");
  await stage.inbox.about(ADA, /connected|linked/i);
  await signOut(ada);
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "work", "/account");

  // Somebody else can't have it too.
  const ben = await introduced(stage);
  await signUp(stage, ben, "ben@example.com");
  await ben.open("/account/connections");
  await goTo(ben, ACME, stage.acme.issuer);
  await logIn(ben, "work", FAILED);
  assert.equal((await failure(ben)).code, "external_account_taken");
  await ben.look("connection-failed-taken");
  await ben.press(ben.page.getByRole("link", { name: "Back to your account" }), { to: "/account/connections" });

  const row = (await accounts(ada)).first();
  await ada.press(row.getByRole("button"), { to: "/account/connections" });
  await ada.page.getByRole("status").filter({ hasText: "disconnected" }).waitFor();
  assert.equal(await (await accounts(ada)).count(), 0);

  // Once it is free another may link it, and it leads to that one.
  await ben.open("/account/connections");
  await goTo(ben, ACME, stage.acme.issuer);
  await logIn(ben, "work", "/account/connections");
  await signOut(ben);
  await goTo(ben, ACME, stage.acme.issuer);
  await logIn(ben, "work", "/account");
  await ben.open("/account/emails");
  await ben.page.getByText("ben@example.com", { exact: true }).first().waitFor();
}, WITH);

scenario("keeps the last way in", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  const ada = await atSignIn(stage);
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/account");
  const row = (await accounts(ada)).first();
  await ada.press(row.getByRole("button"), { status: 422 });
  await ada.page.getByRole("alert").filter({ hasText: "you could not sign in any more" }).waitFor();
  assert.equal(await (await accounts(ada)).count(), 1);
}, { ...WITH_SCRIPT, environment: { ZALT_FIRST_FACTORS: "password" } });

scenario("has an address that nobody vouches for verified here", async (stage) => {
  stage.acme.person("ada", { email: ADA, email_verified: false, given_name: "Ada" });
  const ada = await atSignIn(stage);
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/sign-up/verify");
  await ada.look("connection-verify-address");
  assert.equal(await isSignedIn(ada), false);
  await ada.open("/sign-up/verify");
  const { code } = await stage.inbox.code(ADA);
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });
  assert.equal(await (await accounts(ada)).count(), 1);
}, WITH);

scenario("asks for the address that a provider does not tell", async (stage) => {
  stage.host.person("ada", { emails: [] });
  const ada = await atSignIn(stage);
  await goTo(ada, HOST, stage.host.origin);
  await goOnAs(ada, "ada", "/sign-up/address");
  await ada.look("connection-address");
  await ada.fill({ "E-mail address": ADA });
  await ada.press("Continue", { to: "/sign-up/verify" });
  const { code } = await stage.inbox.code(ADA);
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });
  assert.equal(await (await accounts(ada)).count(), 1);
}, WITH);

scenario("has an account of the same address proved first", async (stage) => {
  const ada = await introduced(stage);
  await signUp(stage, ada, ADA);
  await signOut(ada);
  // Somebody who has her address at a provider, and not her password.
  stage.acme.person("mallory", { email: ADA, email_verified: true });
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "mallory", "/sign-in/password");
  await ada.page.getByRole("status").filter({ hasText: "There is an account with your address" }).waitFor();
  await ada.look("connection-prove-account");
  assert.equal(await isSignedIn(ada), false);
  await ada.open("/sign-in/password");
  await ada.fill({ Password: PASSWORD });
  await ada.press("Sign in", { to: "/account" });
  assert.equal(await (await accounts(ada)).count(), 1);
  await signOut(ada);
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "mallory", "/account");
}, WITH);

scenario("asks for the second factor after a provider too", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  const ada = await atSignIn(stage);
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/sign-in/set-up");
  assert.equal(await isSignedIn(ada), false, "signing up is no way around it");
  await ada.open("/sign-in");
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/sign-in/set-up");
  assert.equal(await isSignedIn(ada), false);
}, { ...WITH_SCRIPT, environment: { ZALT_SECOND_FACTORS_POLICY: "required" } });

scenario("takes up a key that a provider changed to", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  // As providers do it: the next key is there to be seen before anything is signed with it.
  stage.acme.announce();
  const ada = await atSignIn(stage);
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/account");
  await signOut(ada);
  stage.acme.rotate();
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/account");
}, WITH_SCRIPT);

/// What makes the provider's answer worth nothing, and what the person is told.
const REFUSALS = [
  ["a provider that is down", "connection_unavailable", ({ acme }) => acme.web.fail("/token", "down")],
  ["a provider that is slow", "connection_unavailable", ({ acme }) => acme.web.fail("/token", "slow")],
  ["a provider that answers nonsense", "connection_unavailable", ({ acme }) => acme.web.fail("/token", nonsense)],
  ["a wrong nonce", "connection_answer_invalid", ({ acme }) => acme.forge((claims) => ({ ...claims, nonce: "another" }))],
  ["an expired ID token", "connection_answer_invalid", ({ acme }) => acme.forge((claims) => ({ ...claims, iat: claims.iat - 7200, exp: claims.exp - 7200 }))],
  ["an ID token that nobody signed", "connection_answer_invalid", ({ acme }) => acme.forge((claims) => claims, { algorithm: "none" })],
  ["an ID token that the client's secret signed", "connection_answer_invalid", ({ acme }) => acme.forge((claims) => claims, { algorithm: "HS256" })],
  ["an ID token of another key", "connection_answer_invalid", ({ acme }) => acme.forge((claims) => claims, { stranger: true })],
  ["an ID token of another issuer", "connection_answer_invalid", ({ acme, other }) => acme.forge((claims) => ({ ...claims, iss: other.issuer }))],
  ["an ID token for another client", "connection_answer_invalid", ({ acme }) => acme.forge((claims) => ({ ...claims, aud: "another" }))],
  ["an answer that says it is another provider's", "connection_state_mismatch", ({ acme, other }) => acme.rewriteAnswer((url) => { url.searchParams.set("iss", other.issuer); return url; })],
];

scenario("refuses what a provider must not answer, says so and writes it down", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  const ada = await introduced(stage);
  for (const [what, code, misbehave] of REFUSALS) {
    misbehave(stage);
    await ada.open("/sign-in");
    await goTo(ada, ACME, stage.acme.issuer);
    await logIn(ada, "ada", FAILED);
    const said = await failure(ada);
    assert.equal(said.code, code, what);
    assert.match(said.requestId, /^[0-9a-f]{32}$/, what);
    assert.match(stage.server.log(), new RegExp(said.requestId), `${what} is in the log`);
    await ada.look(`connection-failed-${code}`);
    stage.acme.mend();
    assert.equal(await isSignedIn(ada), false, what);
  }
  await ada.open("/sign-in");
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/account");
}, WITH_SCRIPT);

scenario("says that somebody said no, and nothing in the provider's words", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  const ada = await atSignIn(stage);
  await goTo(ada, ACME, stage.acme.issuer);
  await cancel(ada, FAILED);
  const said = await failure(ada);
  assert.equal(said.code, "connection_refused");
  assert.equal(await ada.page.getByText("the person said no").count(), 0);
  await ada.look("connection-failed-refused");
  await ada.press(ada.page.getByRole("link", { name: "Back to sign in" }), { to: "/sign-in" });
}, WITH);

scenario("can’t begin with a provider that is away, and says so", async (stage) => {
  stage.acme.web.fail("*", "down");
  const ada = await atSignIn(stage);
  await ada.press(ada.page.locator(`button[name=connection][value=${ACME}]`), { to: FAILED, status: 502 });
  assert.equal((await failure(ada)).code, "connection_unavailable");
}, WITH);

scenario("takes an answer once, from the browser that began, for its own provider", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  stage.acme.person("mallory", { email: "mallory@example.com", email_verified: true });
  const ada = await atSignIn(stage);
  const answers = [];
  ada.page.on("request", (request) => {
    if (request.url().includes("/callback?")) answers.push(request.url());
  });
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", "/account");
  const replayed = answers[0];
  await signOut(ada);
  await ada.page.goto(replayed);
  assert.equal((await failure(ada)).code, "connection_state_mismatch");
  assert.equal(await isSignedIn(ada), false);

  // Login CSRF: Mallory stops her own way back and has Ada open the address.
  const mallory = await atSignIn(stage);
  let stopped;
  stage.acme.rewriteAnswer((url) => {
    stopped = url.href;
    return new URL("/jwks", stage.acme.issuer);
  });
  await goTo(mallory, ACME, stage.acme.issuer);
  await mallory.page.getByLabel("Login").fill("mallory");
  await mallory.page.getByRole("button", { name: "Log in" }).click();
  await mallory.page.waitForURL(/jwks$/);
  stage.acme.mend();
  for (const begun of [false, true]) {
    if (begun) {
      await ada.open("/sign-in");
      await goTo(ada, ACME, stage.acme.issuer);
    }
    await ada.page.goto(stopped);
    assert.equal((await failure(ada)).code, "connection_state_mismatch");
    assert.equal(await isSignedIn(ada), false);
  }

  // Mix-up: what one provider answers comes to the callback of another.
  stage.acme.rewriteAnswer((url) => new URL(url.href.replace(`/${ACME}/`, `/${OTHER}/`)));
  await ada.open("/sign-in");
  await goTo(ada, ACME, stage.acme.issuer);
  await logIn(ada, "ada", FAILED);
  assert.equal((await failure(ada)).code, "connection_state_mismatch");
  assert.equal(await isSignedIn(ada), false);
}, WITH_SCRIPT);

scenario("leads nobody to another site", async (stage) => {
  stage.acme.person("ada", VERIFIED);
  const ada = await introduced(stage);
  for (const address of ["//evil.example", "https://evil.example/", "/\\evil.example"]) {
    await ada.open(`/sign-in?return_to=${encodeURIComponent(address)}`);
    await goTo(ada, ACME, stage.acme.issuer);
    await logIn(ada, "ada", "/account");
    await signOut(ada);
  }
  await ada.open(`${FAILED}?error=connection_refused&request_id=%3Cb%3E&return_to=https%3A%2F%2Fevil.example`, { status: 403 });
  assert.doesNotMatch((await failure(ada)).requestId, /</);
  const back = await ada.page.getByRole("link", { name: "Back to sign in" }).getAttribute("href");
  assert.equal(back, "/sign-in");
}, WITH_SCRIPT);
