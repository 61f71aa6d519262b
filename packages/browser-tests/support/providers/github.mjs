// A provider that speaks OAuth 2 and no OpenID Connect, in the shape of GitHub: tokens that say nothing, and a user and their
// addresses at two endpoints of their own (https://docs.github.com/en/apps/oauth-apps and .../rest/users).

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

import { Web, escape, form, redirect, sendJson, sendPage } from "./web.mjs";

export class GitHubShaped {
  #web = new Web();
  #people = new Map();
  #codes = new Map();
  #tokens = new Map();
  #redirectUris = [];

  clientId = "Iv1.zalttests";
  clientSecret = "a secret of the tests";

  static async start() {
    const provider = new GitHubShaped();
    await provider.#web.listen((request, response) => provider.#answer(request, response));
    return provider;
  }

  get origin() {
    return this.#web.origin;
  }

  get endpoints() {
    return {
      authorization: `${this.origin}/login/oauth/authorize`,
      token: `${this.origin}/login/oauth/access_token`,
      userinfo: `${this.origin}/user`,
    };
  }

  get web() {
    return this.#web;
  }

  trust(...redirectUris) {
    this.#redirectUris = redirectUris;
  }

  /// Somebody who has an account, or what has changed about them. `emails` is what `/user/emails` answers.
  person(login, { id, name = null, emails = [] } = {}) {
    const known = this.#people.get(login);
    const fresh = { id: id ?? known?.id ?? 1000 + this.#people.size, login, name: name ?? known?.name ?? null, emails };
    this.#people.set(login, fresh);
  }

  /// How many tokens are good.
  get grants() {
    return this.#tokens.size;
  }

  mend() {
    this.#web.mend();
  }

  async close() {
    await this.#web.close();
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.origin);
    switch (`${request.method} ${url.pathname}`) {
      case "GET /login/oauth/authorize":
        return this.#ask(url.searchParams, response);
      case "POST /login/oauth/authorize":
        return this.#decide(url.searchParams, await form(request), response);
      case "POST /login/oauth/access_token":
        return this.#redeem(request, await form(request), response);
      case "GET /user":
        return this.#ofToken(request, response, ({ id, login, name, emails }) => ({
          id,
          login,
          name,
          node_id: Buffer.from(`User${id}`).toString("base64"),
          avatar_url: `${this.origin}/avatars/${id}`,
          // Whichever the person made public, which says nothing of whether it was verified.
          email: emails.find(({ visibility }) => visibility === "public")?.email ?? null,
          type: "User",
        }));
      case "GET /user/emails":
        return this.#ofToken(request, response, ({ emails }) => emails);
      default:
        return sendJson(response, { message: "Not Found" }, 404);
    }
  }

  #ask(query, response) {
    if (query.get("client_id") !== this.clientId) return sendJson(response, { message: "Not Found" }, 404);
    if (!this.#redirectUris.includes(query.get("redirect_uri"))) {
      return sendPage(response, "The redirect_uri is not associated with this application", "");
    }
    const people = [...this.#people.keys()].map(
      (login) => `<button name="login" value="${escape(login)}">Continue as ${escape(login)}</button>`,
    );
    return sendPage(
      response,
      "The test code host",
      `<form method="post" action="?${escape(query)}">${people.join(" ")} <button name="cancel" value="1">Cancel</button></form>`,
    );
  }

  #decide(query, { login, cancel }, response) {
    const back = new URL(query.get("redirect_uri"));
    back.searchParams.set("state", query.get("state"));
    if (cancel || !this.#people.has(login)) {
      back.searchParams.set("error", "access_denied");
      back.searchParams.set("error_description", "The user has denied your application access.");
      return redirect(response, back.href);
    }
    const code = randomBytes(10).toString("hex");
    this.#codes.set(code, {
      login,
      redirectUri: query.get("redirect_uri"),
      challenge: query.get("code_challenge"),
      scope: query.get("scope") ?? "",
    });
    back.searchParams.set("code", code);
    return redirect(response, back.href);
  }

  /// GitHub answers 200 whatever happens, and forms unless it is asked for JSON.
  #redeem(request, fields, response) {
    const answer = (values) =>
      request.headers.accept?.includes("application/json")
        ? sendJson(response, values)
        : response.writeHead(200, { "content-type": "application/x-www-form-urlencoded" }).end(`${new URLSearchParams(values)}`);
    const refuse = (error) => answer({ error, error_description: "See the documentation.", error_uri: `${this.origin}/docs` });
    const { id, secret } = clientOf(request, fields);
    if (id !== this.clientId || !same(secret, this.clientSecret)) return refuse("incorrect_client_credentials");
    const grant = this.#codes.get(fields.code);
    this.#codes.delete(fields.code);
    if (!grant || grant.redirectUri !== fields.redirect_uri) return refuse("bad_verification_code");
    const challenge = createHash("sha256").update(fields.code_verifier ?? "").digest("base64url");
    if (grant.challenge && challenge !== grant.challenge) return refuse("bad_verification_code");
    const token = `gho_${randomBytes(18).toString("hex")}`;
    this.#tokens.set(token, grant.login);
    return answer({ access_token: token, scope: grant.scope.split(" ").join(","), token_type: "bearer" });
  }

  #ofToken(request, response, view) {
    const [scheme, token] = (request.headers.authorization ?? "").split(" ");
    const person = /^(bearer|token)$/i.test(scheme) && this.#people.get(this.#tokens.get(token));
    // Its real one refuses whoever does not say who they are.
    if (!request.headers["user-agent"]) return sendJson(response, { message: "Request forbidden" }, 403);
    return person ? sendJson(response, view(person)) : sendJson(response, { message: "Bad credentials" }, 401);
  }
}

/// In the body or as HTTP Basic (RFC 6749, section 2.3.1).
function clientOf(request, fields) {
  const [scheme, value] = (request.headers.authorization ?? "").split(" ");
  if (!/^basic$/i.test(scheme)) return { id: fields.client_id, secret: fields.client_secret };
  const [id, secret] = Buffer.from(value, "base64").toString().split(":").map(decodeURIComponent);
  return { id, secret };
}

function same(given = "", expected) {
  const digest = (text) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
