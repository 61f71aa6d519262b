import assert from "node:assert/strict";

import { PASSWORD, enterIdentifier, isSignedIn, signIn, signOut, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

scenario("signs in with a link from a mail", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await signOut(ada);
  await enterIdentifier(ada, "ada@example.com");
  await ada.press("E-mail me a link", { to: "/sign-in/link-sent" });
  await ada.look("sign-in-link-sent");
  const { link } = await stage.inbox.code("ada@example.com");

  // What a mail scanner does: it opens the link, and nothing happens.
  const scanner = await stage.arrive();
  await scanner.page.goto(link);
  await scanner.look("link-other-browser");
  assert.equal(await isSignedIn(scanner), false);

  await ada.open(link);
  await ada.look("link-sign-in");
  assert.equal(await isSignedIn(ada), false, "opening a link alone does nothing");
  await ada.open(link);
  await ada.press("Sign in", { to: "/account" });

  await ada.page.goto(link);
  assert.equal(await ada.page.getByRole("button", { name: "Sign in" }).count(), 0, "a link works once");
});

scenario("shows another browser that a sign-in link is not for it", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await signOut(ada);
  await enterIdentifier(ada, "ada@example.com");
  await ada.press("E-mail me a link", { to: "/sign-in/link-sent" });
  const { link, code } = await stage.inbox.code("ada@example.com");

  const thief = await stage.arrive();
  await thief.page.goto(link);
  await thief.page.getByRole("heading", { name: "Go back to where you started" }).waitFor();
  assert.equal(await isSignedIn(thief), false);

  // The code of the same mail, typed where the sign-in began.
  await ada.press(ada.page.getByRole("link", { name: "Type its code" }), { to: "/sign-in/code" });
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account" });
});

scenario("signs in with a code from a mail", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await signOut(ada);
  await enterIdentifier(ada, "ada@example.com");
  await ada.press("E-mail me a code", { to: "/sign-in/code" });
  await ada.look("sign-in-code");
  const { code } = await stage.inbox.code("ada@example.com");
  await ada.fill({ Code: `${code.slice(0, 3)} ${code.slice(3)}` });
  await ada.press("Continue", { to: "/account" });
});

const WITHOUT_PASSWORD = { ZALT_SIGN_UP_PASSWORD_REQUIRED: "false" };

async function signUpByLink(stage) {
  const ada = await stage.arrive();
  await ada.open("/sign-up");
  await ada.look("sign-up-without-password");
  await ada.fill({ "E-mail address": "ada@example.com" });
  await ada.press("Continue with an e-mail link", { to: "/sign-up/link-sent" });
  await ada.look("sign-up-link-sent");
  const { link } = await stage.inbox.code("ada@example.com");
  await ada.open(link);
  await ada.look("link-sign-up");
  await ada.press("Verify and continue", { to: "/account" });
  await ada.open("/account/password");
  await ada.look("account-password-none");
  await ada.fill({ "New password": PASSWORD });
  await ada.press("Set password", { to: "/account/password", status: 200 });
  await signOut(ada);
  await signIn(ada, "ada@example.com");
}

scenario("signs up with a link and no password, and sets one later", signUpByLink, { environment: WITHOUT_PASSWORD });

scenario("says that a garbled link does not work", async (stage) => {
  const stranger = await stage.arrive();
  for (const path of ["/sign-up/link", "/sign-in/link", "/password/link", "/account/emails/link"]) {
    for (const query of ["", "?token=", "?token=zlt_nonsense", "?token=%FF%FE"]) {
      const response = await stranger.page.goto(path + query);
      assert.ok(response.status() < 500, `${path}${query}: ${response.status()}`);
      assert.equal(response.headers()["referrer-policy"], "no-referrer", "an address with a secret goes nowhere");
      assert.equal(await stranger.page.getByRole("button").count(), 0, path + query);
    }
  }
  await stranger.look("link-invalid");
});

scenario("ends an attempt after too many wrong codes", async (stage) => {
  const ada = await stage.arrive();
  await ada.open("/sign-up");
  await ada.fill({ "E-mail address": "ada@example.com", Password: PASSWORD });
  await ada.press("Continue", { to: "/sign-up/verify" });
  const { code } = await stage.inbox.code("ada@example.com");
  for (let tries = 1; tries <= 5; tries += 1) {
    await ada.fill({ Code: String((Number(code) + tries) % 1_000_000).padStart(6, "0") });
    await ada.press("Continue");
  }
  await ada.look("sign-up-after-wrong-codes");
  if (ada.path() === "/sign-up/verify") {
    await ada.fill({ Code: code });
    await ada.press("Continue");
  }
  assert.equal(ada.path(), "/sign-up");
  await ada.page.getByRole("alert").waitFor();
  await ada.look("sign-up-exhausted");
  assert.equal(await isSignedIn(ada), false, "the right code comes too late");
});
