// One story, told twice: with JavaScript and without.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Inbox } from "./inbox.mjs";
import { Server } from "./server.mjs";
import { Visitor, launch } from "./visitor.mjs";

let browser;

/// Registers the story as two tests. `tell` gets the stage: a fresh server, visitors who come to it, its inbox.
/// `environment` configures the server. `company` starts what the story needs beside it, and returns what the stage gets of it, the
/// environment that goes with it, and `close`.
export function scenario(name, tell, { javaScript = [true, false], environment = {}, company } = {}) {
  for (const enabled of javaScript) {
    test(`${name}, JavaScript ${enabled ? "on" : "off"}`, { timeout: 120_000 }, () => accompanied(tell, enabled, environment, company));
  }
}

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser?.close();
});

async function accompanied(tell, javaScript, environment, company) {
  if (!company) return play(tell, javaScript, environment, {});
  const { close, environment: more, ...others } = await company();
  try {
    await play(tell, javaScript, { ...environment, ...more }, others);
  } finally {
    await close();
  }
}

async function play(tell, javaScript, environment, others) {
  const server = await Server.start({ environment });
  const visitors = [];
  const arrive = async (options = {}) => {
    const visitor = await Visitor.arrive(browser, server, { javaScript, ...options });
    visitors.push(visitor);
    return visitor;
  };
  const stage = { ...others, server, arrive, javaScript, inbox: new Inbox(await arrive()) };
  let told = false;
  try {
    await tell(stage);
    told = true;
  } catch (error) {
    error.message += `\n--- what the server said\n${server.lastWords()}`;
    throw error;
  } finally {
    const problems = [];
    for (const visitor of visitors) problems.push(...(await visitor.leave()));
    const ended = await server.stop();
    // The first failure is the one to see; what follows from it is not.
    if (told) {
      assert.deepEqual(problems, []);
      assert.deepEqual(ended, { code: 0, signal: null });
      assert.doesNotMatch(server.log(), /panicked/);
    }
  }
}
