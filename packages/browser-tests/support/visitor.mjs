// A person with a browser of their own, and a list of everything that was wrong on the way.

import { chromium } from "playwright-core";

import { inspect } from "./inspect.mjs";

export async function launch() {
  return chromium.launch({
    executablePath: process.env.ZALT_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

export class Visitor {
  /// What no page may cause: an error in the console, a violation of a policy, a request to anybody else.
  problems = [];
  page;
  #context;
  #server;
  #javaScript;
  #documents = new Set();
  /// Where the person goes beside the server, on purpose.
  #elsewhere = new Set();
  /// What the script was told in so many words not to do.
  #refused = new Set();
  #devTools;

  static async arrive(browser, server, { javaScript, ...options }) {
    const visitor = new Visitor();
    visitor.#server = server;
    visitor.#javaScript = javaScript;
    visitor.#context = await browser.newContext({
      baseURL: server.origin,
      javaScriptEnabled: javaScript,
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    visitor.#context.setDefaultTimeout(20_000);
    visitor.page = await visitor.#context.newPage();
    await visitor.#watch();
    return visitor;
  }

  get javaScript() {
    return this.#javaScript;
  }

  /// Opens a page of the server; the status has to be the expected one.
  async open(path, { status = 200 } = {}) {
    const response = await this.page.goto(path);
    if (response.status() !== status) {
      throw new Error(`${path} answers ${response.status()} instead of ${status}`);
    }
    return response;
  }

  /// Presses something that leads to another page, and waits until that one is loaded.
  async press(target, { to, status } = {}) {
    const button = typeof target === "string" ? this.page.getByRole("button", { name: target, exact: true }) : target;
    const [response] = await Promise.all([
      this.page.waitForResponse((response) => isFinalDocument(response, this.page)),
      this.page.waitForEvent("load"),
      button.click(),
    ]);
    if (to !== undefined && new URL(this.page.url()).pathname !== to) {
      const alert = await this.page.locator("[role=alert], .field-error").allInnerTexts();
      throw new Error(`came to ${this.page.url()} instead of ${to}; the page says: ${alert.join(" / ") || "nothing"}`);
    }
    if (status !== undefined && response.status() !== status) {
      throw new Error(`${this.page.url()} answers ${response.status()} instead of ${status}`);
    }
    return response;
  }

  async fill(fields) {
    for (const [label, value] of Object.entries(fields)) {
      await this.page.getByLabel(label, { exact: true }).fill(value);
    }
  }

  /// From now on the person may go there. What its pages do is no concern of ours.
  mayVisit(...origins) {
    for (const origin of origins) this.#elsewhere.add(origin);
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  /// Looks at the page closely: pictures of it, and what axe finds.
  async look(name) {
    this.problems.push(...(await inspect(this.page, name, this.#javaScript)));
  }

  /// The debugger of the page.
  async devTools() {
    this.#devTools ??= await this.#context.newCDPSession(this.page);
    return this.#devTools;
  }

  async cookies() {
    return this.#context.cookies(this.#server.origin);
  }

  async leave() {
    await this.#context.close();
    return this.problems;
  }

  #isElsewhere(address) {
    return URL.canParse(address) && this.#elsewhere.has(new URL(address).origin);
  }

  async #watch() {
    this.#context.on("request", (request) => {
      const url = new URL(request.url());
      if (request.isNavigationRequest()) this.#documents.add(request.url());
      if (url.protocol !== "data:" && url.origin !== this.#server.origin && !this.#elsewhere.has(url.origin)) {
        this.problems.push(`${this.page.url()} asks another host: ${request.url()}`);
      }
    });
    this.#context.on("response", (response) => {
      const isProblem = response.headers()["content-type"]?.startsWith("application/problem+json");
      if (isProblem && response.request().resourceType() === "fetch") this.#refused.add(response.url());
    });
    this.page.on("pageerror", (error) => this.problems.push(`${this.page.url()} throws ${error}`));
    this.page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      // The browser notes every answer that is not 200; a form that comes back is such a one, and what a script is refused.
      const { url } = message.location();
      if (this.#isElsewhere(url)) return;
      const refused = message.text().startsWith("Failed to load resource") && (this.#documents.has(url) || this.#refused.has(url));
      if (!refused) this.problems.push(`${this.page.url()} writes to the console: ${message.text()}`);
    });
    const devTools = await this.devTools();
    devTools.on("Audits.issueAdded", ({ issue }) => {
      // A page that was left without a press, for which the back button passes it by: a passkey was taken from a list.
      if (issue.details.genericIssueDetails?.errorType === "NavigationEntryMarkedSkippable") return;
      if (this.#isElsewhere(this.page.url())) return;
      this.problems.push(`${this.page.url()} raises ${issue.code}: ${JSON.stringify(issue.details)}`);
    });
    await devTools.send("Audits.enable");
  }
}

/// Whether this is the answer that a navigation of the page ends with, and not a redirect on the way.
function isFinalDocument(response, page) {
  const request = response.request();
  const redirect = response.status() >= 300 && response.status() < 400;
  return request.isNavigationRequest() && request.frame() === page.mainFrame() && !redirect;
}
