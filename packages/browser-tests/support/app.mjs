// An authenticator app (RFC 6238): six digits, 30 seconds, SHA-1.

import { createHmac } from "node:crypto";

import { poll } from "./poll.mjs";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_SECONDS = 30;

export class AuthenticatorApp {
  #key;
  #spent = -Infinity;

  /// `secret` as the page shows it.
  constructor(secret) {
    const bits = [...secret.replace(/\s/g, "")].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
    this.#key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  }

  /// A code that was not used before. The server takes those of the step before and after too, each once and in their order,
  /// so three can follow each other at once.
  async code() {
    const step = await poll("a time step that is not used up", () => {
      const now = Math.floor(Date.now() / 1000 / STEP_SECONDS);
      const next = Math.max(this.#spent + 1, now - 1);
      return next <= now + 1 ? next : null;
    }, { seconds: 2 * STEP_SECONDS });
    this.#spent = step;
    return this.#at(step);
  }

  /// A code of none of the steps that could be right.
  wrong() {
    const now = Math.floor(Date.now() / 1000 / STEP_SECONDS);
    const right = [-2, -1, 0, 1, 2].map((offset) => this.#at(now + offset));
    return ["000000", "111111", "222222", "333333", "444444", "555555"].find((code) => !right.includes(code));
  }

  #at(step) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const digest = createHmac("sha1", this.#key).update(counter).digest();
    const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, "0");
  }
}
