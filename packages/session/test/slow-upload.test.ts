// An upload is judged by when its request arrived: while its body takes its time, another tab may renew the pair it came with
// (D7). Whoever trickles a body on purpose gains that one page and no cookie.
import { channel } from "node:diagnostics_channel";
import { type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import { onEveryFramework, type TestApplication, types } from "./application.ts";
import { type Browser, cart } from "./browser.ts";

interface Upload {
  /** Sends the rest, and waits for the answer. */
  finish(): Promise<{ status: number; setCookies: readonly string[]; body: string }>;
}

/** A form post of this browser whose headers have arrived, and half of whose body has been sent. */
async function startUpload(app: TestApplication, browser: Browser): Promise<Upload> {
  const body = new URLSearchParams({ "form-token": browser.token ?? "", item: "a film" }).toString();
  const cookie = Array.from(browser.jar, ([name, { value }]) => `${name}=${value}`).join("; ");
  const headers = {
    host: new URL(app.origin).host,
    origin: app.origin,
    cookie,
    "sec-fetch-site": "same-origin",
    "content-type": "application/x-www-form-urlencoded",
    "content-length": String(body.length),
  };
  const arrived = Promise.withResolvers<void>();
  const started = channel("http.server.request.start");
  const note = (told: unknown) => {
    if ((told as { request: IncomingMessage }).request.url === "/items") arrived.resolve();
  };
  started.subscribe(note);
  const outgoing = request({ host: "127.0.0.1", port: app.port, method: "POST", path: "/items", headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on("response", resolve).on("error", reject);
  });
  outgoing.write(body.slice(0, 10));
  await arrived.promise;
  started.unsubscribe(note);
  return {
    async finish() {
      outgoing.end(body.slice(10));
      const response = await answered;
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const setCookies = response.headers["set-cookie"] ?? [];
      return { status: response.statusCode ?? 0, setCookies, body: Buffer.concat(chunks).toString() };
    },
  };
}

/** The pair is due; the owner's other tab renews it and presents the new one. */
async function renewElsewhere(tab: Browser): Promise<void> {
  expect((await cart(tab)).status).toBe(200);
  expect((await cart(tab)).status).toBe(200);
}

onEveryFramework("a slow upload", (at) => {
  test.each([31, 299])(
    "of %i seconds, across a renewal by another tab, is served and signs nobody out",
    async (seconds) => {
      const app = await at.start();
      const browser = await app.signedIn();
      await cart(browser);
      app.clock.pass(11, "minutes");
      const tab = browser.copy();
      const upload = await startUpload(app, browser);
      app.clock.pass(1, "seconds");
      await renewElsewhere(tab);
      app.clock.pass(seconds - 1, "seconds");
      const answer = await upload.finish();
      expect(answer.status).toBe(200);
      expect(answer.body).toContain("adds a film");
      expect(types(app)).not.toContain("reuse-detected");
      expect((await cart(tab)).status).toBe(200);
    },
  );

  test("that ended meanwhile is refused, and revives nothing", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    app.clock.pass(11, "minutes");
    const tab = browser.copy();
    const upload = await startUpload(app, browser);
    await renewElsewhere(tab);
    expect((await tab.post("/logout")).status).toBe(302);
    app.clock.pass(1, "minutes");
    const answer = await upload.finish();
    expect(answer).toMatchObject({ status: 302, setCookies: [] });
    expect(answer.body).not.toContain("adds a film");
    expect((await cart(browser)).status).toBe(302);
    expect((await cart(tab)).status).toBe(302);
  });
});

onEveryFramework("a thief", (at) => {
  test("who begins an upload with a pair that was replaced long ago is found out all the same", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    await cart(owner);
    const thief = owner.copy();
    app.clock.pass(11, "minutes");
    await renewElsewhere(owner);
    app.clock.pass(31, "seconds");
    const upload = await startUpload(app, thief);
    app.clock.pass(1, "minutes");
    expect(await upload.finish()).toMatchObject({ status: 302, setCookies: [] });
    expect(types(app)).toContain("reuse-detected");
    expect((await cart(owner)).status).toBe(302);
  });
});

onEveryFramework("a thief who trickles a body", (at) => {
  test("gets no cookie by it, and the pair is as old as it is", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    await cart(owner);
    app.clock.pass(11, "minutes");
    const thief = owner.copy();
    const upload = await startUpload(app, thief);
    await renewElsewhere(owner);
    app.clock.pass(4, "minutes");
    expect((await upload.finish()).setCookies).toEqual([]);
    expect((await cart(thief)).status).toBe(302);
    expect(types(app)).toContain("reuse-detected");
  });
});
