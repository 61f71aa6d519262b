// Chromium's virtual authenticators (WebAuthn Level 3, section 11), over the debugger's protocol.

/// What a phone or laptop has built in: it keeps passkeys itself and checks who is there.
const BUILT_IN = {
  protocol: "ctap2",
  ctap2Version: "ctap2_1",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

/// A key on USB that somebody touches, which checks nobody and keeps nothing.
const TOUCHED_KEY = {
  protocol: "u2f",
  transport: "usb",
  hasResidentKey: false,
  hasUserVerification: false,
  automaticPresenceSimulation: true,
};

export class Authenticator {
  #devTools;
  #id;

  static builtIn(visitor, options = {}) {
    return Authenticator.#attach(visitor, { ...BUILT_IN, ...options });
  }

  static touchedKey(visitor, options = {}) {
    return Authenticator.#attach(visitor, { ...TOUCHED_KEY, ...options });
  }

  static async #attach(visitor, options) {
    const authenticator = new Authenticator();
    authenticator.#devTools = await visitor.devTools();
    await authenticator.#devTools.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await authenticator.#devTools.send("WebAuthn.addVirtualAuthenticator", { options });
    authenticator.#id = authenticatorId;
    return authenticator;
  }

  async credentials() {
    const { credentials } = await this.#send("WebAuthn.getCredentials");
    return credentials;
  }

  /// Takes what another authenticator holds, as a passkey that was synced.
  async hold(credentials) {
    for (const credential of credentials) await this.#send("WebAuthn.addCredential", { credential });
  }

  /// Whether whoever holds it is the one it knows.
  async recognises(isUserVerified) {
    await this.#send("WebAuthn.setUserVerified", { isUserVerified });
  }

  /// Whether somebody answers it. Without, a request waits.
  async isThere(enabled) {
    await this.#send("WebAuthn.setAutomaticPresenceSimulation", { enabled });
  }

  async remove() {
    await this.#send("WebAuthn.removeVirtualAuthenticator");
  }

  #send(method, parameters = {}) {
    return this.#devTools.send(method, { authenticatorId: this.#id, ...parameters });
  }
}
