// What people do on the pages, again and again.

/// The label of the first field of signing in.
export const IDENTIFIER = "E-mail address or username";
export const PASSWORD = "a walk in the quiet rain";
export const NEW_PASSWORD = "a swim in the cold lake";

export async function signUp(stage, visitor, email, { password = PASSWORD, firstName, lastName, to = "/account" } = {}) {
  await visitor.open("/sign-up");
  if (firstName) await visitor.fill({ "First name": firstName });
  if (lastName) await visitor.fill({ "Last name": lastName });
  await visitor.fill({ "E-mail address": email, Password: password });
  await visitor.press("Continue", { to: "/sign-up/verify" });
  const { code } = await stage.inbox.code(email);
  await visitor.fill({ Code: code });
  await visitor.press("Continue", { to });
}

export async function signIn(visitor, email, { password = PASSWORD } = {}) {
  await enterIdentifier(visitor, email);
  await visitor.fill({ Password: password });
  await visitor.press("Sign in", { to: "/account" });
}

/// The first step of signing in.
export async function enterIdentifier(visitor, email) {
  await visitor.open("/sign-in");
  await visitor.fill({ [IDENTIFIER]: email });
  await visitor.press("Continue", { to: "/sign-in/password" });
}

/// Only pages of an account have the button.
export async function signOut(visitor) {
  await visitor.press("Sign out");
}

/// A stranger who asks for an account page is sent to sign in.
export async function isSignedIn(visitor) {
  await visitor.page.goto("/account");
  return visitor.path() === "/account";
}
