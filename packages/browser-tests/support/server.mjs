// The real binary, on a data folder of its own.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { poll } from "./poll.mjs";

const BINARY = "ZALT_SERVER_BIN";

let schemas = 0;

/// Where a server keeps everything: in its data folder, or as `ZALT_E2E_DATABASE` says in a schema of its own of the database
/// that `ZALT_TEST_POSTGRES_URL` names, which goes with the services of `cargo xtask test`.
function kept() {
  const choice = process.env.ZALT_E2E_DATABASE ?? "sqlite";
  if (choice === "sqlite") return {};
  if (choice !== "postgres") throw new Error(`ZALT_E2E_DATABASE is ${choice}: write sqlite or postgres`);
  const url = process.env.ZALT_TEST_POSTGRES_URL;
  if (!url) throw new Error("ZALT_TEST_POSTGRES_URL names no database: run `cargo xtask test`");
  schemas += 1;
  return { DATABASE_URL: url, ZALT_DATABASE_SCHEMA: `browser_${process.pid}_${schemas}` };
}

export class Server {
  #child;
  #folder;
  #keepsFolder;
  #ended;
  #log = [];

  /// Where the pages are. `localhost`, since browsers take it for secure.
  origin;

  /// `environment` configures it further. A `folder` and `port` of the caller's outlast it.
  static async start({ environment = {}, folder, port } = {}) {
    const binary = process.env[BINARY];
    if (!binary) throw new Error(`${BINARY} names no binary: run \`cargo xtask test\``);
    const server = new Server();
    port ??= await freePort();
    server.origin = `http://localhost:${port}`;
    server.#keepsFolder = folder !== undefined;
    server.#folder = folder ?? (await mkdtemp(join(tmpdir(), "zalt-browser-")));
    server.#child = spawn(binary, ["serve"], {
      cwd: server.#folder,
      // Nothing of the caller's own configuration gets in.
      env: {
        PATH: process.env.PATH,
        ZALT_LISTEN: `127.0.0.1:${port}`,
        ZALT_BASE_URL: server.origin,
        ZALT_DATA_DIR: join(server.#folder, "data"),
        NO_COLOR: "1",
        ...kept(),
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [server.#child.stdout, server.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => server.#log.push(text));
    }
    server.#ended = new Promise((resolve) => {
      server.#child.once("exit", (code, signal) => resolve({ code, signal }));
      server.#child.once("error", (error) => resolve({ error }));
    });
    try {
      await poll("the server answers", () => server.#isReady());
    } catch (error) {
      await server.kill();
      throw new Error(`${error.message}\n${server.lastWords()}`);
    }
    return server;
  }

  url(path) {
    return new URL(path, this.origin).href;
  }

  log() {
    return this.#log.join("");
  }

  /// The end of the log, for messages about a failure.
  lastWords() {
    return this.log().trimEnd().split("\n").slice(-25).join("\n");
  }

  /// Asks it to end and says how it did.
  async stop() {
    this.#child.kill("SIGTERM");
    const late = AbortSignal.timeout(15_000);
    const how = await Promise.race([
      this.#ended,
      new Promise((resolve) => late.addEventListener("abort", () => resolve({ code: "still running" }), { once: true })),
    ]);
    await this.kill();
    return how;
  }

  async kill() {
    this.#child.kill("SIGKILL");
    await this.#ended;
    if (!this.#keepsFolder) await rm(this.#folder, { recursive: true, force: true });
  }

  async #isReady() {
    if (this.#child.exitCode !== null) throw new Error(`the server ended with ${this.#child.exitCode}`);
    try {
      return (await fetch(this.url("/readyz"))).ok;
    } catch {
      return false;
    }
  }
}

/// A port that the system just gave away. Somebody else could take it before it is used, which is never seen in practice.
export async function freePort() {
  const listener = createServer();
  await new Promise((resolve, reject) => listener.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
