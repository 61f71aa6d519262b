// What a provider of these tests needs of HTTP: a port of its own on loopback, and ways to misbehave there.

import { createServer } from "node:http";

const MOST_BYTES = 64 * 1024;

/// A server that can be told to fail, path by path.
///
/// A fault is `down` (connections are dropped, as those to a closed port), `slow` (no answer until the fault is over or the caller
/// has gone), or a function of the response.
export class Web {
  #server;
  #port;
  #faults = new Map();
  #waiting = new Set();
  /// The method and path of every request, oldest first.
  requests = [];

  get origin() {
    return `http://localhost:${this.#port}`;
  }

  async listen(answer) {
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url, this.origin);
      this.requests.push(`${request.method} ${pathname}`);
      const fault = this.#faults.get(pathname) ?? this.#faults.get("*");
      if (fault === "down") return request.socket.destroy();
      if (fault === "slow") return this.#keepWaiting(response);
      if (fault) return fault(response);
      return Promise.resolve(answer(request, response)).catch((error) => {
        response.statusCode = 500;
        response.end(String(error.stack ?? error));
      });
    });
    await new Promise((resolve, reject) => this.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    this.#port = this.#server.address().port;
  }

  /// Has requests for `path`, or for every one with `*`, fail until `mend`.
  fail(path, fault) {
    this.#faults.set(path, fault);
    // A connection that is kept open would go on as if nothing had happened.
    if (fault === "down") this.#server.closeIdleConnections();
  }

  mend() {
    this.#faults.clear();
    for (const response of this.#waiting) response.destroy();
    this.#waiting.clear();
  }

  /// How often `path` was asked for.
  count(path) {
    return this.requests.filter((request) => request.endsWith(` ${path}`)).length;
  }

  async close() {
    this.mend();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keepWaiting(response) {
    this.#waiting.add(response);
    response.once("close", () => this.#waiting.delete(response));
  }
}

/// A fault: an answer that is well-formed HTTP and nothing that was asked for.
export function nonsense(response) {
  response.writeHead(200, { "content-type": "text/html" });
  response.end("<!doctype html><script>alert('from a provider')</script><h1>Welcome to the hotel’s network</h1>");
}

/// A fault: an answer that never ends.
export function endless(response) {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"padding":"');
  const chunk = "x".repeat(256 * 1024);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

export function sendJson(response, value, status = 200) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}

export function redirect(response, to) {
  response.writeHead(303, { location: to });
  response.end();
}

/// A page with a form on it, as people meet it at a provider.
export function sendPage(response, title, form) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end(
    `<!doctype html><html lang="en"><title>${escape(title)}</title><link rel="icon" href="data:,">` +
      `<main><h1>${escape(title)}</h1>${form}</main></html>`,
  );
}

export async function form(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MOST_BYTES) throw new Error("the body is too long");
  }
  return Object.fromEntries(new URLSearchParams(text));
}

export function escape(text) {
  return String(text).replace(/[&<>"']/g, (letter) => `&#${letter.codePointAt(0)};`);
}
