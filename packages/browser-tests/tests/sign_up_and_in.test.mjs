import assert from "node:assert/strict";

import { IDENTIFIER, PASSWORD, enterIdentifier, isSignedIn, signOut, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

scenario("signs up, verifies, signs out and signs in again", async (stage) => {
  const ada = await stage.arrive();
  await ada.open("/");
  await ada.look("home");
  await ada.press(ada.page.getByRole("link", { name: "Create an account" }), { to: "/sign-up" });
  await ada.look("sign-up");
  await ada.fill({ "First name": "Ada", "Last name": "Lovelace", "E-mail address": "Ada@Example.com", Password: PASSWORD });
  await ada.press("Continue", { to: "/sign-up/verify" });
  await ada.look("sign-up-verify");
  assert.equal(await isSignedIn(ada), false, "nobody is signed in before the address is verified");

  await ada.open("/sign-up/verify");
  // The part before the @ belongs to the receiving host: mail goes to it as it was typed.
  const { code } = await stage.inbox.code("Ada@example.com");
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });
  await ada.look("account-profile");
  assert.equal(await ada.page.getByLabel("First name").inputValue(), "Ada");
  await ada.open("/");
  await ada.look("home-signed-in");

  await signOut(ada);
  assert.equal(await isSignedIn(ada), false);
  assert.equal(ada.path(), "/sign-in");
  await ada.look("sign-in");

  await enterIdentifier(ada, "ada@example.com");
  await ada.look("sign-in-password");
  await ada.fill({ Password: PASSWORD });
  await ada.press("Sign in", { to: "/account" });
});

scenario("keeps the session in a cookie that scripts and other sites can't reach", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  const [session] = (await ada.cookies()).filter(({ name }) => name.endsWith("zalt_session"));
  assert.equal(session.httpOnly, true);
  assert.equal(session.sameSite, "Lax");
  assert.equal(session.path, "/");
  assert.equal(session.domain, "localhost", "for this host alone");
  const leftOver = (await ada.cookies()).map(({ name }) => name).filter((name) => name.endsWith("zalt_sign_up"));
  assert.deepEqual(leftOver, [], "the cookie of the attempt goes away with it");
});

scenario("refuses a wrong code and says so beside the field", async (stage) => {
  const ada = await stage.arrive();
  await ada.open("/sign-up");
  await ada.fill({ "E-mail address": "ada@example.com", Password: PASSWORD });
  await ada.press("Continue", { to: "/sign-up/verify" });
  const { code } = await stage.inbox.code("ada@example.com");
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, "0");
  await ada.fill({ Code: wrong });
  await ada.press("Continue", { to: "/sign-up/verify", status: 422 });
  assert.match(await ada.page.locator("#code-error").innerText(), /code/i);
  assert.match(await ada.page.title(), /^Error: /);
  await ada.look("sign-up-verify-wrong");
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });
});

scenario("says why it does not take a password or an address", async (stage) => {
  const ada = await stage.arrive();
  await ada.open("/sign-up");
  await ada.fill({ "E-mail address": "ada@example.com", Password: "password1" });
  await ada.press("Continue", { to: "/sign-up", status: 422 });
  assert.match(await ada.page.locator("#password-error").innerText(), /many people/i);
  assert.equal(await ada.page.getByLabel("E-mail address").inputValue(), "ada@example.com");
  assert.equal(await ada.page.getByLabel("Password", { exact: true }).inputValue(), "", "a password never comes back");
  await ada.look("sign-up-refused");

  await ada.fill({ Password: "ada@example.com" });
  await ada.press("Continue", { to: "/sign-up", status: 422 });
  assert.ok(await ada.page.locator("#password-error").isVisible());

  // The browser's own check of the form is passed by and the server's has to hold.
  await ada.page.locator("form").last().evaluate((form) => form.setAttribute("novalidate", ""));
  await ada.fill({ "E-mail address": "not an address", Password: PASSWORD });
  await ada.press("Continue", { to: "/sign-up", status: 422 });
  assert.ok(await ada.page.locator("#email-error").isVisible());
});

scenario("answers a wrong password and an unknown address alike", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  const answers = [];
  for (const email of ["ada@example.com", "nobody@example.com"]) {
    const stranger = await stage.arrive();
    await enterIdentifier(stranger, email);
    await stranger.fill({ Password: "not the password at all" });
    const response = await stranger.press("Sign in", { to: "/sign-in/password", status: 422 });
    await stranger.look("sign-in-password-wrong");
    assert.ok((await stranger.page.locator("[role=alert], .field-error").count()) > 0);
    answers.push((await response.text()).replaceAll(email, "ADDRESS").replaceAll(/name="csrf_token" value="[^"]*"/g, ""));
  }
  assert.equal(answers[0], answers[1]);
});

scenario("answers a sign-up with a taken address as any other, and tells its owner", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  const stranger = await stage.arrive();
  await stranger.open("/sign-up");
  await stranger.fill({ "E-mail address": "ada@example.com", Password: PASSWORD });
  await stranger.press("Continue", { to: "/sign-up/verify", status: 200 });
  const told = await stage.inbox.about("ada@example.com", /account/i);
  assert.equal(told.code, null, "the mail has no code that would let the stranger in");
  await stranger.fill({ Code: "123456" });
  await stranger.press("Continue", { to: "/sign-up/verify", status: 422 });
});

scenario("sends another code, which voids the one before it", async (stage) => {
  const ada = await stage.arrive();
  if (stage.javaScript) await ada.page.clock.install();
  await ada.open("/sign-up");
  await ada.fill({ "E-mail address": "ada@example.com", Password: PASSWORD });
  await ada.press("Continue", { to: "/sign-up/verify" });
  const first = await stage.inbox.code("ada@example.com");
  const again = ada.page.getByRole("button", { name: /^send another/ });
  if (stage.javaScript) {
    assert.equal(await again.isDisabled(), true, "the page asks for patience");
    await ada.page.clock.runFor(31_000);
  }
  await ada.press(again, { to: "/sign-up/verify" });
  const second = await stage.inbox.code("ada@example.com");
  await ada.fill({ Code: first.code });
  await ada.press("Continue", { to: "/sign-up/verify", status: 422 });
  await ada.fill({ Code: second.code });
  await ada.press("Continue", { to: "/account" });
});

scenario("leads back to the page that a stranger asked for", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await signOut(ada);
  await ada.page.goto("/account/sessions");
  assert.equal(ada.path(), "/sign-in");
  await ada.fill({ [IDENTIFIER]: "ada@example.com" });
  await ada.press("Continue", { to: "/sign-in/password" });
  await ada.fill({ Password: PASSWORD });
  await ada.press("Sign in", { to: "/account/sessions" });
});

scenario("leads nowhere outside, whatever the address of the page says", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  for (const target of ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]) {
    await signOut(ada);
    await ada.page.goto(`/sign-in?return_to=${encodeURIComponent(target)}`);
    await ada.fill({ [IDENTIFIER]: "ada@example.com" });
    await ada.press("Continue", { to: "/sign-in/password" });
    await ada.fill({ Password: PASSWORD });
    await ada.press("Sign in", { to: "/account" });
  }
});
