// The providers of the tests, held against what they are to be: a story about connections proves nothing if its provider is kinder
// or stricter than told.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import * as jose from "jose";

import { GitHubShaped } from "../support/providers/github.mjs";
import { OidcProvider } from "../support/providers/oidc.mjs";
import { endless, nonsense } from "../support/providers/web.mjs";

const CALLBACK = "http://localhost:9/callback";

async function withOidc(tell, options) {
  const provider = await OidcProvider.start(options);
  provider.trust(CALLBACK);
  provider.person("ada", { email: "ada@example.com", email_verified: true, name: "Ada Lovelace" });
  provider.person("eve", { email: "eve@example.com", email_verified: false });
  try {
    await tell(provider);
  } finally {
    await provider.close();
  }
}

/// Follows redirects with the cookies that the provider sets, until one leads away from it.
class Visit {
  #cookies = new Map();

  constructor(origin) {
    this.origin = origin;
  }

  async go(address, body) {
    let url = new URL(address, this.origin);
    for (let hops = 0; hops < 10; hops += 1) {
      const reply = await fetch(url, {
        method: body ? "POST" : "GET",
        body: body && new URLSearchParams(body),
        redirect: "manual",
        headers: { cookie: [...this.#cookies].map((pair) => pair.join("=")).join("; ") },
      });
      for (const cookie of reply.headers.getSetCookie()) {
        const [name, value] = cookie.split(";")[0].split(/=(.*)/s);
        if (value) this.#cookies.set(name, value);
        else this.#cookies.delete(name);
      }
      if (reply.status < 300 || reply.status >= 400) return { url, html: await reply.text() };
      url = new URL(reply.headers.get("location"), url);
      if (url.origin !== this.origin) return { url };
      body = undefined;
    }
    throw new Error(`no end of redirects at ${url}`);
  }
}

function request(endpoint, clientId, extra = {}) {
  const verifier = randomBytes(32).toString("base64url");
  const url = new URL(endpoint);
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: CALLBACK,
    response_type: "code",
    state: "a state",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...extra,
  });
  return { url, verifier };
}

/// Logs in and returns where the person is sent back to, with what redeems the code.
async function logIn(provider, login, fields = { login, choice: "login" }) {
  const { url, verifier } = request(`${provider.issuer}/auth`, provider.clientId, { scope: "openid email profile", nonce: "a nonce" });
  const visit = new Visit(provider.issuer);
  const page = await visit.go(url);
  assert.match(page.html, /<button name="choice" value="login">/);
  const answer = await visit.go(page.url, fields);
  return { back: answer.url, verifier };
}

function redeem(provider, { back, verifier }) {
  return fetch(`${provider.issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${provider.clientId}:${encodeURIComponent(provider.clientSecret)}`)}` },
    body: new URLSearchParams({ grant_type: "authorization_code", code: back.searchParams.get("code"), redirect_uri: CALLBACK, code_verifier: verifier }),
  });
}

async function idToken(provider, login = "ada") {
  const reply = await redeem(provider, await logIn(provider, login));
  assert.equal(reply.status, 200);
  return (await reply.json()).id_token;
}

async function verify(provider, token) {
  const keys = jose.createLocalJWKSet(await (await fetch(`${provider.issuer}/jwks`)).json());
  const checks = { issuer: provider.issuer, audience: provider.clientId, algorithms: ["RS256"] };
  return (await jose.jwtVerify(token, keys, checks)).payload;
}

test("the OpenID provider signs people in, and tells of them what it is told", () =>
  withOidc(async (provider) => {
    const { back, verifier } = await logIn(provider, "ada");
    assert.equal(`${back.origin}${back.pathname}`, CALLBACK);
    assert.equal(back.searchParams.get("state"), "a state");
    assert.equal(back.searchParams.get("iss"), provider.issuer);
    const tokens = await (await redeem(provider, { back, verifier })).json();
    const claims = await verify(provider, tokens.id_token);
    assert.deepEqual(
      [claims.sub, claims.nonce, claims.email, claims.email_verified, claims.name],
      ["ada", "a nonce", "ada@example.com", true, "Ada Lovelace"],
    );
    assert.equal((await redeem(provider, { back, verifier })).status, 400, "a code counts once");

    provider.person("ada", { email: "countess@example.org" });
    assert.equal((await verify(provider, await idToken(provider))).email, "countess@example.org");
    assert.equal((await verify(provider, await idToken(provider, "eve"))).email_verified, false);
    const refused = await logIn(provider, "ada", { choice: "cancel" });
    assert.equal(refused.back.searchParams.get("error"), "access_denied");
  }));

test("the OpenID provider leaves out who it is where told to", () =>
  withOidc(
    async (provider) => {
      assert.equal((await logIn(provider, "ada")).back.searchParams.get("iss"), null);
      const discovery = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json();
      assert.equal(discovery.authorization_response_iss_parameter_supported, false);
    },
    { sendsIss: false },
  ));

test("the OpenID provider changes its keys when told", () =>
  withOidc(async (provider) => {
    const before = await idToken(provider);
    await verify(provider, before);
    provider.rotate({ keepOld: true });
    await verify(provider, before);
    await verify(provider, await idToken(provider));
    provider.rotate();
    await assert.rejects(verify(provider, before), { code: "ERR_JWKS_NO_MATCHING_KEY" });
    await verify(provider, await idToken(provider));
  }));

test("the OpenID provider forges ID tokens when told", () =>
  withOidc(async (provider) => {
    const now = Math.floor(Date.now() / 1000);
    for (const [change, options, code] of [
      [(claims) => ({ ...claims, exp: now - 600, iat: now - 900 }), {}, "ERR_JWT_EXPIRED"],
      [(claims) => ({ ...claims, iss: "https://other.example" }), {}, "ERR_JWT_CLAIM_VALIDATION_FAILED"],
      [(claims) => ({ ...claims, aud: "another client" }), {}, "ERR_JWT_CLAIM_VALIDATION_FAILED"],
      [(claims) => claims, { stranger: true }, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"],
      [(claims) => claims, { algorithm: "none" }, "ERR_JOSE_ALG_NOT_ALLOWED"],
      [(claims) => claims, { algorithm: "HS256" }, "ERR_JOSE_ALG_NOT_ALLOWED"],
    ]) {
      provider.forge(change, options);
      await assert.rejects(verify(provider, await idToken(provider)), { code });
    }
    provider.forge((claims) => ({ ...claims, nonce: "another nonce" }));
    assert.equal((await verify(provider, await idToken(provider))).nonce, "another nonce");
    provider.mend();
    assert.equal((await verify(provider, await idToken(provider))).nonce, "a nonce");
  }));

test("the OpenID provider fails when told", () =>
  withOidc(async (provider) => {
    const attempt = await logIn(provider, "ada");
    provider.web.fail("/token", "down");
    await assert.rejects(redeem(provider, attempt), TypeError);
    provider.web.fail("/token", nonsense);
    assert.match(await (await redeem(provider, attempt)).text(), /hotel/);
    provider.web.fail("/token", endless);
    const reader = (await redeem(provider, attempt)).body.getReader();
    let read = 0;
    while (read < 4 * 1024 * 1024) read += (await reader.read()).value.length;
    await reader.cancel();
    provider.web.fail("/token", "slow");
    const waiting = redeem(provider, attempt);
    const first = await Promise.race([waiting.catch(() => "over"), fetch(`${provider.issuer}/jwks`).then(() => "still waiting")]);
    assert.equal(first, "still waiting");
    provider.mend();
    await assert.rejects(waiting, TypeError);
    assert.equal((await redeem(provider, attempt)).status, 200);
    provider.web.fail("*", "down");
    await assert.rejects(fetch(`${provider.issuer}/jwks`), TypeError);
  }));

test("the code host signs people in, and tells of them at endpoints of their own", async () => {
  const provider = await GitHubShaped.start();
  try {
    provider.trust(CALLBACK);
    const emails = [{ email: "ada@example.com", primary: true, verified: true, visibility: null }];
    provider.person("ada", { id: 42, name: "Ada Lovelace", emails });
    const answer = async (choice) => {
      const { url, verifier } = request(provider.endpoints.authorization, provider.clientId, { scope: "read:user user:email" });
      const visit = new Visit(provider.origin);
      const page = await visit.go(url);
      const action = /action="([^"]*)"/.exec(page.html)[1].replaceAll("&#38;", "&");
      return { back: (await visit.go(new URL(action, page.url), choice)).url, verifier };
    };
    const token = async ({ back, verifier }, client_secret = provider.clientSecret) => {
      const code = back.searchParams.get("code");
      const body = new URLSearchParams({ client_id: provider.clientId, client_secret, code, redirect_uri: CALLBACK, code_verifier: verifier });
      const reply = await fetch(provider.endpoints.token, { method: "POST", body, headers: { accept: "application/json" } });
      assert.equal(reply.status, 200, "it is 200 whatever happens");
      return reply.json();
    };
    const came = await answer({ login: "ada" });
    assert.equal(came.back.searchParams.get("state"), "a state");
    const { access_token } = await token(came);
    assert.equal((await token(came)).error, "bad_verification_code", "a code counts once");
    const wrong = await answer({ login: "ada" });
    assert.equal((await token({ ...wrong, verifier: "another" })).error, "bad_verification_code");
    assert.equal((await token(await answer({ login: "ada" }), "wrong")).error, "incorrect_client_credentials");
    const ask = async (path) => fetch(`${provider.origin}${path}`, { headers: { authorization: `Bearer ${access_token}` } });
    const user = await (await ask("/user")).json();
    assert.deepEqual([user.id, user.login, user.email], [42, "ada", null]);
    assert.deepEqual(await (await ask("/user/emails")).json(), emails);
    assert.equal((await fetch(`${provider.origin}/user`)).status, 401);
    const { back } = await answer({ cancel: "1" });
    assert.equal(back.searchParams.get("error"), "access_denied");
    assert.equal(back.searchParams.get("code"), null);
  } finally {
    await provider.close();
  }
});
