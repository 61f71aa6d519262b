// Comfort on top of pages that work without it: nothing here is needed to sign up, sign in or change an account.
"use strict";

// Show and hide a password.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  if (!field) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(shown));
    field.focus();
  });
  // A password manager saves what it finds in a password field.
  field.form?.addEventListener("submit", () => { field.type = "password"; });
}

// A code is often pasted with spaces or a whole sentence around it.
for (const field of document.querySelectorAll("[data-code]")) {
  field.addEventListener("input", () => {
    const digits = field.value.replace(/\D/g, "").slice(0, 6);
    if (digits !== field.value) field.value = digits;
  });
  field.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text") ?? "";
    const code = /(?<!\d)\d(?:[\s-]?\d){5}(?!\d)/.exec(text);
    if (!code) return;
    event.preventDefault();
    field.value = code[0].replace(/\D/g, "");
  });
}

/// The words of an element, or those of its codes one a line.
const codesOf = (source) => {
  const codes = [...source.querySelectorAll("code")].map((code) => code.textContent.trim());
  return codes.length > 0 ? codes.join("\n") : source.textContent.replace(/\s/g, "");
};

// Copy codes.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(codesOf(source));
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy it yourself";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// Save codes as a file.
for (const button of document.querySelectorAll("[data-save]")) {
  const source = document.getElementById(button.dataset.save);
  if (!source) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${codesOf(source)}\n`], { type: "text/plain" }));
    link.download = button.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

// The server refuses another message for a while; say so instead of letting people run into it.
for (const button of document.querySelectorAll("[data-wait]")) {
  const label = button.textContent;
  let left = Number(button.dataset.wait);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} in ${left} s` : label;
    if (left > 0) {
      left -= 1;
      setTimeout(tick, 1000);
    }
  };
  tick();
}

// Passkeys. The script asks the server what an authenticator is to sign, and sends the answer as the form that it stands in.
// Whatever the server refuses to be asked, it is sent the form without an answer, and says why on a page of its own.
const passkeys = (() => {
  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (buffer) =>
    btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

  // What browsers before Level 3 of the specification lack.
  const creation = (json) => PublicKeyCredential.parseCreationOptionsFromJSON?.(json) ?? {
    ...json,
    challenge: toBytes(json.challenge),
    user: { ...json.user, id: toBytes(json.user.id) },
    excludeCredentials: named(json.excludeCredentials),
  };
  const request = (json) => PublicKeyCredential.parseRequestOptionsFromJSON?.(json) ?? {
    ...json,
    challenge: toBytes(json.challenge),
    allowCredentials: named(json.allowCredentials),
  };
  const answer = (credential) => {
    try {
      return JSON.stringify(credential.toJSON());
    } catch {
      // Some password managers make credentials that lack it, or that throw.
      const response = {};
      for (const member of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
        if (credential.response[member]) response[member] = toText(credential.response[member]);
      }
      if (credential.response.getTransports) response.transports = credential.response.getTransports();
      return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
    }
  };

  const explain = (error, creates) => {
    switch (error.name) {
      case "AbortError": return "";
      case "NotAllowedError":
        return creates
          ? "No passkey was added: it was cancelled, or took too long. Try again when you are ready."
          : "No passkey was used: it was cancelled, or took too long. Try again, or take another way.";
      case "InvalidStateError": return "This device or key holds a passkey for your account already. Use another one.";
      case "SecurityError": return "Passkeys don’t work at this address. Open the page at the address that you know.";
      case "NotSupportedError":
      case "ConstraintError": return "This device can’t do what is needed here: it has to check a PIN, a fingerprint or a face.";
      default: return "That didn’t work. Try again, or take another way.";
    }
  };

  const say = (form, text, isError = false) => {
    const region = form.querySelector("[data-passkey-says]");
    region.textContent = text;
    region.classList.toggle("is-error", isError);
  };

  /// What the server wants to be signed; nothing if it refuses.
  const ask = async (form) => {
    const reply = await fetch(form.dataset.options, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams({ csrf_token: form.elements.csrf_token.value }),
    });
    return reply.ok ? reply.json() : null;
  };

  const send = (form, credential) => {
    form.elements.response.value = credential ? answer(credential) : "";
    form.submit();
  };

  let autofill = null;

  /// Has the browser offer passkeys where an identifier is typed, until one is taken or a button is pressed.
  const offer = async (form) => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const json = await ask(form);
    if (!json) return;
    const controller = new AbortController();
    autofill = controller;
    // What was asked is void after a while: ask again before that.
    const renewal = setTimeout(() => {
      controller.abort();
      whenVisible(() => offer(form));
    }, json.timeout * 0.8);
    try {
      send(form, await navigator.credentials.get({ publicKey: request(json), mediation: "conditional", signal: controller.signal }));
    } catch {
      // Nobody pressed anything, so nobody waits for a word of it.
    } finally {
      clearTimeout(renewal);
    }
  };

  const use = async (form) => {
    const creates = form.dataset.passkey === "create";
    autofill?.abort();
    autofill = null;
    form.setAttribute("aria-busy", "true");
    const buttons = form.querySelectorAll("button[type=submit]");
    for (const button of buttons) button.disabled = true;
    say(form, "Do what your browser asks you to do.");
    try {
      const json = await ask(form);
      if (!json) return send(form, null);
      const credential = creates
        ? await navigator.credentials.create({ publicKey: creation(json) })
        : await navigator.credentials.get({ publicKey: request(json) });
      say(form, "");
      return send(form, credential);
    } catch (error) {
      say(form, explain(error, creates), true);
    }
    form.removeAttribute("aria-busy");
    for (const button of buttons) button.disabled = false;
    buttons[0].focus();
    if ("autofill" in form.dataset) offer(form);
  };

  return { use, offer };
})();

const whenVisible = (act) => {
  if (document.visibilityState === "visible") return act();
  document.addEventListener("visibilitychange", act, { once: true });
};

if (window.PublicKeyCredential && navigator.credentials) {
  for (const missing of document.querySelectorAll("[data-passkey-missing]")) missing.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    for (const shown of form.querySelectorAll("[data-passkey-ready]")) shown.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      passkeys.use(form);
    });
    if ("autofill" in form.dataset) passkeys.offer(form).catch(() => {});
  }
  // The browser's list of passkeys for this account, made to agree with ours.
  for (const list of document.querySelectorAll("[data-passkeys-of]")) {
    PublicKeyCredential.signalAllAcceptedCredentials?.({
      rpId: list.dataset.rpId,
      userId: list.dataset.passkeysOf,
      allAcceptedCredentialIds: list.dataset.passkeyIds.split(" ").filter(Boolean),
    }).catch(() => {});
  }
}

// One press, one request. The button is disabled after the form's data was read, so its own value is still sent.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    setTimeout(() => {
      form.setAttribute("aria-busy", "true");
      for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true;
    });
  });
}
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[aria-busy]")) {
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = false;
  }
});

// The exact time in the reader's own zone.
for (const time of document.querySelectorAll("time[datetime]")) {
  const date = new Date(time.dateTime);
  if (!Number.isNaN(date.valueOf())) time.title = date.toLocaleString();
}
