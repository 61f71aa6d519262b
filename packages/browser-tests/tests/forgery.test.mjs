import assert from "node:assert/strict";
import { createServer } from "node:http";

import { PASSWORD, isSignedIn, signUp } from "../support/people.mjs";
import { scenario } from "../support/scenario.mjs";

/// Another site on this machine whose page holds one form.
async function evilSite(form) {
  const site = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><title>Win a prize</title>${form}`);
  });
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  const { port } = site.address();
  return {
    // Another port is another origin, yet the same site: SameSite cookies are sent along.
    sameSite: `http://localhost:${port}/`,
    otherSite: `http://127.0.0.1:${port}/`,
    close: () => new Promise((resolve) => site.close(resolve).closeAllConnections()),
  };
}

function form(action, fields) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
  return `<form method="post" action="${action}">${inputs.join("")}<button>Go</button></form>`;
}

/// Presses the button of the other site's page and returns the answer.
async function fallFor(visitor, address) {
  await visitor.page.goto(address);
  const response = await visitor.press("Go");
  // Leaving for another site is the point here and no fault of the pages.
  visitor.problems.splice(0);
  return response;
}

scenario("refuses forms that another site sends", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  for (const [action, fields] of [
    ["/account", { first_name: "Mallory" }],
    ["/account/emails", { email: "mallory@example.com" }],
    ["/account/password", { current_password: PASSWORD, new_password: "a password of Mallory" }],
    ["/account/sessions/revoke-all", {}],
    ["/account/delete", { confirmation: "ada@example.com" }],
    ["/sign-out", {}],
  ]) {
    const site = await evilSite(form(stage.server.url(action), fields));
    try {
      for (const address of [site.sameSite, site.otherSite]) {
        const response = await fallFor(ada, address);
        assert.ok([403, 419].includes(response.status()), `${action} from ${address}: ${response.status()}`);
      }
    } finally {
      await site.close();
    }
  }
  await ada.look("form-refused");
  assert.equal(await isSignedIn(ada), true);
  assert.equal(await ada.page.getByLabel("First name").inputValue(), "");
});

scenario("refuses to sign a victim in as somebody else", async (stage) => {
  const mallory = await stage.arrive();
  await signUp(stage, mallory, "mallory@example.com");
  const ada = await stage.arrive();
  await ada.open("/sign-in");
  const site = await evilSite(form(stage.server.url("/sign-in"), { identifier: "mallory@example.com" }));
  try {
    const response = await fallFor(ada, site.sameSite);
    assert.ok([403, 419].includes(response.status()), `${response.status()}`);
  } finally {
    await site.close();
  }
});

scenario("refuses a form of its own without the token, or with another visitor's", async (stage) => {
  const ada = await stage.arrive();
  await signUp(stage, ada, "ada@example.com");
  const mallory = await stage.arrive();
  await mallory.open("/sign-in");
  const foreign = await mallory.page.locator("input[name=csrf_token]").first().inputValue();
  for (const token of ["", "nonsense", foreign]) {
    await ada.open("/account");
    await ada.page.locator("main input[name=csrf_token]").first().evaluate((field, value) => {
      field.value = value;
    }, token);
    await ada.fill({ "First name": "Mallory" });
    const response = await ada.press("Save changes");
    assert.ok([403, 419].includes(response.status()), `${token}: ${response.status()}`);
  }
  await ada.open("/account");
  assert.equal(await ada.page.getByLabel("First name").inputValue(), "");
});
