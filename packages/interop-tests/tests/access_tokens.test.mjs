// Access tokens, verified by jose with our key set.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import * as jose from "jose";

import { poll } from "../../browser-tests/support/poll.mjs";
import { Server, freePort } from "../../browser-tests/support/server.mjs";

const EMAIL = "ada@example.com";
const PASSWORD = "a walk in the quiet rain";
const TIMEOUT = { timeout: 120_000 };

test("jose takes our tokens and refuses what was done to them", TIMEOUT, async () => {
  const server = await Server.start();
  try {
    const token = await signUp(server);
    const keys = await keySet(server);
    const { payload, protectedHeader } = await verify(server, keys, token);
    assert.equal(protectedHeader.alg, "EdDSA");
    assert.match(payload.sub, /^user_/);
    assert.match(payload.sid, /^sess_/);
    assert.ok(payload.jti && payload.iat && payload.exp - payload.iat <= 900);
    assert.ok(!JSON.stringify(payload).includes(EMAIL), "nothing personal is in it");

    const [head, body, signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url"));
    const promoted = Buffer.from(JSON.stringify({ ...claims, sub: "user_01h455vb4pex5vsknk084sn02q" })).toString("base64url");
    await refuses(verify(server, keys, `${head}.${promoted}.${signature}`), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
    await refuses(verify(server, keys, token, { audience: "https://other.example" }), "ERR_JWT_CLAIM_VALIDATION_FAILED");
    await refuses(verify(server, keys, token, { issuer: "https://other.example" }), "ERR_JWT_CLAIM_VALIDATION_FAILED");
    await refuses(verify(server, keys, token, { typ: "JWT" }), "ERR_JWT_CLAIM_VALIDATION_FAILED");
    await refuses(verify(server, keys, token, { algorithms: ["RS256"] }), "ERR_JOSE_ALG_NOT_ALLOWED");
    const late = new Date(Date.now() + 3_600_000);
    await refuses(verify(server, keys, token, { currentDate: late }), "ERR_JWT_EXPIRED");
  } finally {
    await server.stop();
  }
});

test("a key set that is fetched over HTTP works as it is", TIMEOUT, async () => {
  const server = await Server.start();
  try {
    const token = await signUp(server);
    const remote = jose.createRemoteJWKSet(new URL(server.url("/.well-known/jwks.json")));
    await verify(server, remote, token);
  } finally {
    await server.stop();
  }
});

test("a rotation leaves the tokens of the old key valid until they end", TIMEOUT, async (context) => {
  const library = process.env.ZALT_FAKETIME;
  if (!library) return context.skip("ZALT_FAKETIME names no library");
  const folder = await mkdtemp(join(tmpdir(), "zalt-interop-"));
  const port = await freePort();
  const at = (seconds) => ({
    folder,
    port,
    environment: { LD_PRELOAD: library, FAKETIME: `+${seconds}`, FAKETIME_DONT_FAKE_MONOTONIC: "1" },
  });
  const day = 86_400;
  // The next key is made after 90 days, and signs a day after it was published.
  const made = 90 * day;
  const rotation = made + day;
  try {
    let server = await Server.start(at(0));
    await signUp(server);
    await server.stop();
    server = await Server.start(at(made));
    await server.stop();

    const before = rotation - 150;
    server = await Server.start(at(before));
    const old = await signIn(server);
    await verify(server, await keySet(server), old, { currentDate: shifted(before) });
    await server.stop();

    const after = rotation + 60;
    server = await Server.start(at(after));
    const fresh = await signIn(server);
    const keys = await keySet(server);
    assert.notEqual(jose.decodeProtectedHeader(fresh).kid, jose.decodeProtectedHeader(old).kid);
    await verify(server, keys, fresh, { currentDate: shifted(after) });
    await verify(server, keys, old, { currentDate: shifted(after) });
    const answer = await fetch(server.url("/v1/client/me"), { headers: { authorization: `Bearer ${old}` } });
    assert.equal(answer.status, 200, "we take it ourselves");
    await server.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("jose takes the tokens of a shared secret", TIMEOUT, async () => {
  const secret = "a secret of more than thirty-two bytes that back ends share";
  const server = await Server.start({ environment: { JWT_SECRET: secret } });
  try {
    const token = await signUp(server);
    const { protectedHeader } = await verify(server, new TextEncoder().encode(secret), token, { algorithms: ["HS256"] });
    assert.equal(protectedHeader.alg, "HS256");
    const other = new TextEncoder().encode(`${secret}.`);
    await refuses(verify(server, other, token, { algorithms: ["HS256"] }), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
    const { keys } = await (await fetch(server.url("/.well-known/jwks.json"))).json();
    assert.deepEqual(keys.filter(({ kty }) => kty === "oct"), [], "the secret is not published");
  } finally {
    await server.stop();
  }
});

async function verify(server, keys, token, options = {}) {
  return jose.jwtVerify(token, keys, {
    issuer: server.origin,
    audience: server.origin,
    typ: "at+jwt",
    algorithms: ["EdDSA"],
    requiredClaims: ["sub", "sid", "exp", "iat", "jti"],
    ...options,
  });
}

async function refuses(verification, code) {
  await assert.rejects(verification, (error) => error.code === code || assert.fail(`${error.code}: ${error.message}`));
}

async function keySet(server) {
  const answer = await fetch(server.url("/.well-known/jwks.json"));
  return jose.createLocalJWKSet(await answer.json());
}

async function signUp(server) {
  const begun = await post(server, "/v1/client/sign-ups", {
    email_address: EMAIL,
    password: PASSWORD,
    transport: "bearer",
  });
  const code = await poll("the code", async () => {
    const inbox = await (await fetch(server.url("/dev/inbox.json"))).json();
    return inbox.data.find(({ to, code }) => to === EMAIL && code)?.code;
  });
  const headers = { "zalt-attempt": begun.attempt_token };
  const done = await post(server, `/v1/client/sign-ups/${begun.id}/attempt-verification`, { code }, headers);
  return done.access_token;
}

async function signIn(server) {
  const body = { identifier: EMAIL, password: PASSWORD, transport: "bearer" };
  return (await post(server, "/v1/client/sign-ins", body)).access_token;
}

async function post(server, path, body, headers = {}) {
  const answer = await fetch(server.url(path), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

function shifted(seconds) {
  return new Date(Date.now() + seconds * 1000);
}
