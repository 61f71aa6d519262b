// The dev inbox, read as a developer reads it: in a browser.

import { poll } from "./poll.mjs";

export class Inbox {
  #reader;
  #read = new Set();

  constructor(reader) {
    this.#reader = reader;
  }

  /// The newest message to `to` with a code in it that was not read before: its subject, code and links.
  async code(to) {
    return this.#next(to, (message) => message.code !== null);
  }

  /// The newest unread message to `to` whose subject fits.
  async about(to, subject) {
    return this.#next(to, (message) => subject.test(message.subject));
  }

  async #next(to, fits) {
    return poll(`a message to ${to}`, async () => {
      for (const path of await this.#unread(to)) {
        const message = await this.#open(path);
        if (!fits(message)) continue;
        this.#read.add(path);
        return message;
      }
      return null;
    });
  }

  /// Newest first.
  async #unread(to) {
    const { page } = this.#reader;
    await this.#reader.open("/dev/inbox");
    const rows = page.getByRole("listitem").filter({ has: page.getByText(`To ${to}`, { exact: true }) });
    const links = await rows.getByRole("link").all();
    const paths = await Promise.all(links.map((link) => link.getAttribute("href")));
    return paths.filter((path) => !this.#read.has(path));
  }

  async #open(path) {
    const { page } = this.#reader;
    await this.#reader.open(path);
    const code = page.locator("#message-code");
    const safetyLink = page.getByRole("link", { name: "This wasn’t me" });
    const link = page.getByRole("link", { name: "Open the link" });
    return {
      path,
      subject: await page.getByRole("heading", { level: 1 }).innerText(),
      code: (await code.count()) > 0 ? (await code.innerText()).trim() : null,
      safetyLink: (await safetyLink.count()) > 0 ? await safetyLink.getAttribute("href") : null,
      link: (await link.count()) > 0 ? await link.getAttribute("href") : null,
    };
  }
}
