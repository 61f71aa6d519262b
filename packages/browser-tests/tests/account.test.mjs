import assert from "node:assert/strict";

import { IDENTIFIER, PASSWORD, isSignedIn, signIn, signOut, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

scenario("changes the profile", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await ada.open("/account");
  await ada.fill({ "First name": "Ada", "Last name": "<script>alert(1)</script>", Username: "ada_l" });
  await ada.press("Save changes", { to: "/account", status: 200 });
  await ada.page.getByRole("status").waitFor();
  await ada.look("account-profile-saved");
  await ada.open("/account");
  assert.equal(await ada.page.getByLabel("First name").inputValue(), "Ada");
  assert.equal(await ada.page.getByLabel("Last name").inputValue(), "<script>alert(1)</script>");
  assert.equal(await ada.page.getByLabel("Username").inputValue(), "ada_l");

  await ada.fill({ Picture: "javascript:alert(1)", Username: "a b" });
  await ada.page.locator("main form").first().evaluate((form) => form.setAttribute("novalidate", ""));
  await ada.press("Save changes", { to: "/account", status: 422 });
  assert.ok((await ada.page.locator(".field-error").count()) > 0);
  await ada.look("account-profile-refused");
});

scenario("adds an address, verifies it, makes it the primary one and removes the first", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await ada.open("/account/emails");
  await ada.look("account-emails");
  assert.equal(await ada.page.getByRole("button", { name: /^Remove/ }).count(), 0, "the last address stays");
  await ada.fill({ "E-mail address": "countess@example.org" });
  await ada.press("Add address");
  if (ada.path() === "/account/emails") {
    await ada.press(ada.page.getByRole("button", { name: "Verify countess@example.org" }), { to: "/account/emails/verify" });
  }
  await ada.look("account-email-verify");
  const { code } = await stage.inbox.code("countess@example.org");
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, "0");
  await ada.fill({ Code: wrong });
  await ada.press("Continue", { to: "/account/emails/verify", status: 422 });
  await ada.fill({ Code: code });
  await ada.press("Continue", { to: "/account/emails" });
  await ada.look("account-emails-two");
  await stage.inbox.about("ada@example.com", /address/i);

  await ada.press(ada.page.getByRole("button", { name: "Make primary: countess@example.org" }), { to: "/account/emails" });
  const row = ada.page.getByRole("listitem").filter({ hasText: "countess@example.org" });
  assert.match(await row.innerText(), /Primary/);
  await ada.press(ada.page.getByRole("button", { name: "Remove ada@example.com" }), { to: "/account/emails" });
  assert.equal(await ada.page.getByRole("listitem").filter({ hasText: "ada@example.com" }).count(), 0);

  await signOut(ada);
  await signIn(ada, "countess@example.org");
});

scenario("shows what happened on the account", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await signOut(ada);
  await signIn(ada, "ada@example.com");
  await ada.open("/account/activity");
  await ada.look("account-activity");
  const entries = await ada.page.locator("main").getByRole("listitem").allInnerTexts();
  assert.ok(entries.length >= 3, entries.join("\n"));
});

scenario("deletes the account", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  await ada.open("/account/delete");
  await ada.look("account-delete");
  await ada.page.getByRole("textbox").fill("somebody@example.com");
  await ada.press("Delete my account", { to: "/account/delete", status: 422 });
  await ada.page.getByRole("textbox").fill("ada@example.com");
  await ada.press("Delete my account");
  assert.equal(await isSignedIn(ada), false);
  await ada.open("/sign-in");
  await ada.fill({ [IDENTIFIER]: "ada@example.com" });
  await ada.press("Continue", { to: "/sign-in/password" });
  await ada.fill({ Password: PASSWORD });
  await ada.press("Sign in", { to: "/sign-in/password", status: 422 });
});
