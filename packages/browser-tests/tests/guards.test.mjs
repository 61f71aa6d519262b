// The guards that every visit stands under, held against a page that deserves them.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { Visitor, launch } from "../support/visitor.mjs";

const BAD_PAGE = `<!doctype html>
<html lang="en"><head><title>A bad page</title><link rel="icon" href="data:,"></head>
<body><main><h1>Bad</h1>
<p style="color: red">styled inline, against the policy</p>
<img src="http://127.0.0.1:9/elsewhere.png" width="2000" height="10">
<form><input name="nameless"></form>
<p class="pale">Hard to read</p></main></body></html>`;
const POLICY = "default-src 'none'; style-src 'self'; img-src *; frame-ancestors 'none'";

let browser;
let site;

before(async () => {
  browser = await launch();
  site = createServer((_, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("content-security-policy", POLICY);
    response.end(BAD_PAGE);
  });
  await new Promise((resolve) => site.listen(0, "localhost", resolve));
});

after(async () => {
  await browser?.close();
  site?.close();
});

for (const javaScript of [true, false]) {
  test(`every guard notices a bad page, JavaScript ${javaScript ? "on" : "off"}`, { timeout: 60_000 }, async () => {
    const server = { origin: `http://localhost:${site.address().port}` };
    const visitor = await Visitor.arrive(browser, server, { javaScript });
    await visitor.open("/");
    await visitor.look("guards");
    const problems = (await visitor.leave()).join("\n");
    for (const expected of [
      /asks another host: http:\/\/127\.0\.0\.1:9/,
      /ContentSecurityPolicyIssue/,
      /writes to the console/,
      /pixels wide in a window of 390/,
      /critical finding image-alt/,
      /critical finding label/,
    ]) {
      assert.match(problems, expected);
    }
  });
}
