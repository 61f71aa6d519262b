import assert from "node:assert/strict";

import { IDENTIFIER, NEW_PASSWORD, PASSWORD, isSignedIn, signIn, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

const ADA = "ada@example.com";
const EVE = "eve@example.org";
const OWN = "countess@example.org";

/// Adds an address as whoever is signed in there.
async function addAddress(stage, visitor, address) {
  await visitor.open("/account/emails");
  await visitor.fill({ "E-mail address": address });
  await visitor.press("Add address", { to: "/account/emails/verify" });
  const { code } = await stage.inbox.code(address);
  await visitor.fill({ Code: code });
  await visitor.press("Continue", { to: "/account/emails" });
}

/// Says that a change was not Ada's.
async function freeze(stage, visitor) {
  const { safetyLink } = await stage.inbox.about(ADA, /address was added/i);
  await visitor.open(safetyLink);
  await visitor.look("safety-freeze");
  await visitor.press("Freeze my account", { to: "/safety/link", status: 200 });
  await visitor.page.getByRole("heading", { name: "Your account is frozen" }).waitFor();
  await visitor.look("safety-frozen");
  return safetyLink;
}

scenario("freezes an account from a mail and recovers it", async (stage) => {
  const eve = await stage.arrive();
  await signUp(stage, eve, ADA);
  await addAddress(stage, eve, EVE);
  await addAddress(stage, eve, OWN);

  const ada = await stage.arrive();
  const link = await freeze(stage, ada);
  assert.equal(await isSignedIn(eve), false, "every session ends");
  await eve.open("/sign-in");
  await eve.fill({ [IDENTIFIER]: ADA });
  await eve.press("Continue", { to: "/sign-in/password" });
  await eve.fill({ Password: PASSWORD });
  await eve.press("Sign in", { to: "/sign-in/password", status: 422 });
  await eve.page.getByRole("alert").filter({ hasText: "This account is frozen" }).waitFor();
  await eve.look("sign-in-frozen");

  await ada.open(link);
  // As long as the account is frozen, the link sends the way back again.
  await ada.press("Freeze my account", { status: 200 });

  const mail = await stage.inbox.about(ADA, /Recover your account/);
  await ada.open(mail.link);
  await ada.look("recovery");
  await ada.press("Recover my account", { to: "/password/new" });
  await ada.look("recovery-password");
  await ada.fill({ "New password": NEW_PASSWORD });
  await ada.press("Set the password", { to: "/recovery/review" });
  await ada.page.getByLabel(OWN).waitFor();
  assert.equal(await ada.page.getByRole("checkbox", { checked: true }).count(), 0, "nothing is kept unasked");
  await ada.page.getByLabel(OWN).check();
  await ada.look("recovery-review");
  await ada.press("Remove the rest and finish", { to: "/sign-in/password" });
  await ada.page.getByRole("status").filter({ hasText: "yours again" }).waitFor();
  await ada.look("recovered");
  await ada.fill({ Password: NEW_PASSWORD });
  await ada.press("Sign in", { to: "/account" });
  await ada.open("/account/emails");
  assert.equal(await ada.page.getByText(EVE).count(), 0);
  assert.equal(await ada.page.getByText(OWN).count(), 1);
});

scenario("recovers an account to which nothing was added", async (stage) => {
  const eve = await stage.arrive();
  await signUp(stage, eve, ADA);
  await eve.open("/account/password");
  await eve.fill({ "Current password": PASSWORD, "New password": NEW_PASSWORD });
  await eve.press("Change password", { to: "/account/password" });
  const { safetyLink } = await stage.inbox.about(ADA, /password/i);
  const ada = await stage.arrive();
  await ada.open(safetyLink);
  await ada.press("Freeze my account");
  const mail = await stage.inbox.about(ADA, /Recover your account/);
  await ada.open(mail.link);
  await ada.press("Recover my account", { to: "/password/new" });
  await ada.fill({ "New password": PASSWORD });
  await ada.press("Set the password", { to: "/recovery/review" });
  await ada.look("recovery-review-empty");
  await ada.press("Finish", { to: "/sign-in/password" });
  await signIn(ada, ADA);
});

scenario("takes a garbled link for an old one", async (stage) => {
  const ada = await stage.arrive();
  for (const path of ["/safety/link?token=nonsense", "/recovery/link"]) {
    await ada.open(path);
    await ada.page.getByRole("heading", { name: "This link doesn’t work any more" }).waitFor();
  }
  await ada.press(ada.page.getByRole("link", { name: "Go to sign in" }), { to: "/sign-in" });
});
