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

// One press, one request. The button is disabled after the form's data was read, so its own value is still sent.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
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
