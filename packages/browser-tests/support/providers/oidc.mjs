// An OpenID provider: the certified `oidc-provider`, with accounts, keys and faults that a test commands.

import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";

import Provider, { interactionPolicy } from "oidc-provider";

import { Web, escape, form, sendPage } from "./web.mjs";

const CLIENT_SECRET = "a secret of the tests, long enough for HMAC keys too";

export class OidcProvider {
  #web = new Web();
  #accounts = new Map();
  #callback;
  #keys = [];
  #announced = null;
  #clientId;
  #redirectUris = [];
  #forge = null;
  #rewrite = null;

  /// A provider on a port of its own, which knows nobody yet.
  ///
  /// `sendsIss: false` has it leave out `iss` of its answers (RFC 9207), as many do.
  static async start({ clientId = "zalt-tests", sendsIss = true } = {}) {
    const provider = new OidcProvider();
    provider.#clientId = clientId;
    provider.sendsIss = sendsIss;
    provider.#keys = [newKey()];
    await provider.#web.listen((request, response) => provider.#answer(request, response));
    provider.#configure();
    return provider;
  }

  get issuer() {
    return this.#web.origin;
  }

  get clientId() {
    return this.#clientId;
  }

  get clientSecret() {
    return CLIENT_SECRET;
  }

  get web() {
    return this.#web;
  }

  /// Where the client may have people sent back to.
  trust(...redirectUris) {
    this.#redirectUris = redirectUris;
    this.#configure();
  }

  /// Somebody who has an account there, or what has changed about them: `email`, `email_verified`, `name` and other claims.
  /// The subject is `sub` or the name that they log in with.
  person(login, claims) {
    this.#accounts.set(login, { sub: login, ...this.#accounts.get(login), ...claims });
  }

  /// Signs with a new key from now on. Without `keepOld` nobody can verify what the one before signed.
  rotate({ keepOld = false } = {}) {
    this.#keys = [this.#announced ?? newKey(), ...(keepOld ? [this.#keys[0]] : [])];
    this.#announced = null;
    this.#configure();
  }

  /// Shows the key that signs after the next rotation.
  announce() {
    this.#announced = newKey();
    this.#keys = [this.#keys[0], this.#announced];
    this.#configure();
  }

  /// Puts another ID token in the place of the one that the provider made. `change` gets the claims and returns those to
  /// write; `algorithm` is `RS256`, `none` or `HS256`.
  forge(change, { algorithm = "RS256", stranger = false } = {}) {
    this.#forge = { change, algorithm, key: stranger ? newKey(this.#keys[0].kid) : this.#keys[0] };
  }

  /// Changes where people are sent back to, as who sits in between would: `change` gets the URL.
  rewriteAnswer(change) {
    this.#rewrite = change;
  }

  /// Does everything as it should again.
  mend() {
    this.#forge = null;
    this.#rewrite = null;
    this.#web.mend();
  }

  async close() {
    await this.#web.close();
  }

  /// A provider of `oidc-provider` has its keys and clients for life, so each change of them makes another, which takes up what
  /// the one before kept in memory.
  #configure() {
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: this.#clientId,
          client_secret: CLIENT_SECRET,
          redirect_uris: this.#redirectUris,
          grant_types: ["authorization_code", "refresh_token"],
          response_types: this.#redirectUris.length > 0 ? ["code"] : [],
        },
      ],
      jwks: { keys: this.#keys.map(({ jwk }) => jwk) },
      cookies: { keys: ["a key of the tests"] },
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "given_name", "family_name", "picture"] },
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true },
        userinfo: { enabled: true },
        rpInitiatedLogout: { enabled: false },
      },
      ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 600, RefreshToken: 3600, Session: 3600 },
      issueRefreshToken: () => true,
      interactions: { policy: asksEachTime(), url: (_, { uid }) => `/login/${uid}` },
      findAccount: (_, login) => this.#find(login),
      // Whoever logs in agrees. What people agree to is not what these tests are about.
      loadExistingGrant: async (context) => {
        const { account, client, provider } = context.oidc;
        const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
        grant.addOIDCScope("openid email profile offline_access");
        await grant.save();
        return grant;
      },
    });
    provider.use(async (context, next) => {
      await next();
      const { body } = context;
      if (context.path === "/token" && this.#forge && body?.id_token) body.id_token = forged(body.id_token, this.#forge);
    });
    this.provider = provider;
    this.#callback = provider.callback();
  }

  #find(login) {
    const account = [...this.#accounts.values()].find(({ sub }) => sub === login);
    return account && { accountId: account.sub, claims: () => account };
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.issuer);
    if (pathname.startsWith("/login/")) return this.#logIn(request, response);
    if (!this.sendsIss && pathname.startsWith("/.well-known/")) withoutIss(response);
    const end = response.setHeader.bind(response);
    response.setHeader = (name, value) => end(name, name.toLowerCase() === "location" ? this.#sentBack(value) : value);
    return this.#callback(request, response);
  }

  /// The address that people are sent back to, changed as the test wants it.
  #sentBack(location) {
    const url = new URL(location, this.issuer);
    if (url.origin === this.issuer) return location;
    if (!this.sendsIss) url.searchParams.delete("iss");
    return this.#rewrite ? this.#rewrite(url).href : url.href;
  }

  async #logIn(request, response) {
    const { uid } = await this.provider.interactionDetails(request, response);
    if (request.method !== "POST") {
      return sendPage(
        response,
        "The test provider",
        `<form method="post" action="/login/${escape(uid)}"><p><label>Login <input name="login" autocomplete="off"></label></p>` +
          '<p><button name="choice" value="login">Log in</button> <button name="choice" value="cancel">Cancel</button></p></form>',
      );
    }
    const { login, choice } = await form(request);
    const account = this.#accounts.get(login);
    const refused = (error, error_description) => ({ error, error_description });
    let result = { login: { accountId: account?.sub, remember: false } };
    if (choice === "cancel") result = refused("access_denied", "<script>alert('the person said no')</script>");
    else if (!account) result = refused("access_denied", "nobody is called that");
    return this.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
}

/// Whoever comes back is asked again who they are: in these tests it is often somebody else.
function asksEachTime() {
  const { Check, base } = interactionPolicy;
  const policy = base();
  policy.get("login").checks.add(new Check("asked_each_time", "everybody logs in each time", (context) => !context.oidc.result?.login));
  return policy;
}

function newKey(kid = randomBytes(6).toString("hex")) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { kid, privateKey, jwk: { ...privateKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" } };
}

/// The token with other claims, signed as told.
function forged(token, { change, algorithm, key }) {
  const claims = change(JSON.parse(Buffer.from(token.split(".")[1], "base64url")));
  const header = { alg: algorithm, typ: "JWT", ...(algorithm === "RS256" && { kid: key.kid }) };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = {
    none: () => "",
    HS256: () => createHmac("sha256", CLIENT_SECRET).update(signed).digest("base64url"),
    RS256: () => sign("sha256", signed, key.privateKey).toString("base64url"),
  }[algorithm]();
  return `${signed}.${signature}`;
}

/// Leaves out of the discovery document that answers carry `iss`.
function withoutIss(response) {
  const end = response.end.bind(response);
  response.end = (body) => {
    const text = JSON.stringify({ ...JSON.parse(body), authorization_response_iss_parameter_supported: false });
    response.setHeader("content-length", Buffer.byteLength(text));
    return end(text);
  };
}
