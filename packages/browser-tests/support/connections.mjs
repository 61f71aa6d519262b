// What people do at providers, and the providers that a story needs.

import { GitHubShaped } from "./providers/github.mjs";
import { OidcProvider } from "./providers/oidc.mjs";

/// The keys of the connections.
export const ACME = "acme";
export const OTHER = "other";
export const HOST = "host";

/// Company for a scenario: two OpenID providers and a code host, each a connection. They are told once the server runs where it
/// is.
export async function providers({ acme = {}, options = "" } = {}) {
  const [first, second, host] = await Promise.all([OidcProvider.start(acme), OidcProvider.start(), GitHubShaped.start()]);
  const openId = (key, provider) => ({
    [`ZALT_CONNECTIONS_${key}_PROVIDER`]: "oidc",
    [`ZALT_CONNECTIONS_${key}_ISSUER`]: provider.issuer,
    [`ZALT_CONNECTIONS_${key}_CLIENT_ID`]: provider.clientId,
    [`ZALT_CONNECTIONS_${key}_CLIENT_SECRET`]: provider.clientSecret,
    [`ZALT_CONNECTIONS_${key}_OPTIONS`]: `vouches_for_email=true${options}`,
  });
  return {
    acme: first,
    other: second,
    host,
    environment: {
      ...openId("ACME", first),
      ...openId("OTHER", second),
      ZALT_CONNECTIONS_HOST_PROVIDER: "github",
      ZALT_CONNECTIONS_HOST_CLIENT_ID: host.clientId,
      ZALT_CONNECTIONS_HOST_CLIENT_SECRET: host.clientSecret,
      ZALT_CONNECTIONS_HOST_AUTHORIZATION_URL: host.endpoints.authorization,
      ZALT_CONNECTIONS_HOST_TOKEN_URL: host.endpoints.token,
      ZALT_CONNECTIONS_HOST_USERINFO_URL: host.endpoints.userinfo,
      ZALT_CONNECTIONS_HOST_OPTIONS: "vouches_for_email=true",
    },
    close: () => Promise.all([first, second, host].map((provider) => provider.close())),
  };
}

/// Introduces the server to its providers, and a visitor who may go there.
export async function introduced(stage, visitor) {
  const callback = (key) => stage.server.url(`/v1/client/connections/${key}/callback`);
  stage.acme.trust(callback(ACME));
  stage.other.trust(callback(OTHER));
  stage.host.trust(callback(HOST));
  const arrived = visitor ?? (await stage.arrive());
  arrived.mayVisit(stage.acme.issuer, stage.other.issuer, stage.host.origin);
  return arrived;
}

/// Presses the button of a connection on a page of ours, and waits for the provider's page.
export async function goTo(visitor, key, origin) {
  await visitor.page.locator(`button[name=connection][value=${key}]`).click();
  await visitor.page.waitForURL((url) => url.origin === origin);
  await visitor.page.getByRole("heading", { level: 1 }).waitFor();
}

/// Logs in at the OpenID provider, and waits for the page of ours that the way back ends at.
export async function logIn(visitor, login, to) {
  await visitor.page.getByLabel("Login").fill(login);
  await cameBack(visitor, visitor.page.getByRole("button", { name: "Log in" }), to);
}

/// Says no at either.
export async function cancel(visitor, to) {
  await cameBack(visitor, visitor.page.getByRole("button", { name: "Cancel" }), to);
}

/// Goes on as somebody at the code host.
export async function goOnAs(visitor, login, to) {
  await cameBack(visitor, visitor.page.getByRole("button", { name: `Continue as ${login}` }), to);
}

async function cameBack(visitor, button, to) {
  const elsewhere = new URL(visitor.page.url()).origin;
  await button.click();
  await visitor.page.waitForURL((url) => url.origin !== elsewhere);
  await visitor.page.waitForLoadState();
  if (visitor.path() !== to) {
    const said = await visitor.page.locator("main").innerText();
    throw new Error(`came back to ${visitor.page.url()} instead of ${to}; the page says: ${said}`);
  }
}

/// The page that says why nobody came in.
export async function failure(visitor) {
  return {
    title: await visitor.page.getByRole("heading", { level: 1 }).innerText(),
    code: await visitor.page.locator("main code").first().innerText(),
    requestId: await visitor.page.locator("main code").nth(1).innerText(),
  };
}
