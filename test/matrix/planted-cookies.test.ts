// Cookies that somebody else put into the browser: tossed by a sibling host, planted before signing in, spelt almost like
// ours ("Cookie Crumbles", USENIX Security 2023; CWE-384, WSTG-SESS-03). The victim is served as themselves or asked to
// sign in; never as, or instead of, somebody else.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Browser } from "../../packages/session/test/browser.ts";
import type { Incoming } from "../../packages/session/test/http.ts";
import { escaped } from "../applications/browser.ts";
import { ada, ben, type Person } from "../applications/company.ts";
import { everyTarget, startTarget, type Target } from "./targets.ts";

const madeUp = "A".repeat(43);

describe.each(everyTarget)("%s at %s", (application, origin) => {
  const prefix = origin.startsWith("https:") ? "__Host-" : "";
  let target: Target;
  let attacker: Browser;
  let victim: Browser;
  beforeAll(async () => {
    target = await startTarget(application, origin);
    victim = await target.signedIn(ada);
  });
  afterAll(() => target[Symbol.asyncDispose]());

  const cookieOf = (browser: Browser, name: string) => browser.jar.get(`${prefix}${name}`)?.value ?? "";
  const headerOf = (browser: Browser) =>
    Array.from(browser.jar, ([name, { value }]) => `${name}=${value}`).join("; ");
  /** A page that greets whoever is signed in, asked for with exactly this Cookie header. */
  const home = (cookie: string | string[]): Promise<Incoming> =>
    target.browser().get("/", { headers: { cookie } });

  async function expectServes(person: Person | null, cookie: string | string[]): Promise<void> {
    const { status, body, setCookies } = await home(cookie);
    const seen = [ada, ben]
      .filter(({ fullName }) => body.includes(escaped(fullName)))
      .map(({ email }) => email);
    const names = [cookie]
      .flat()
      .join("; ")
      .replace(/=[^;,]*/g, "=…");
    const ofSession = setCookies.filter((each) => !/^(__Host-)?form=/.test(each));
    expect({ names, status, seen, ofSession }).toEqual({
      names,
      status: 200,
      seen: person === null ? [] : [person.email],
      ofSession: [],
    });
  }

  test("two of one name, in either order and in two headers, are a contradiction that costs nobody anything", async () => {
    attacker = await target.signedIn(ben);
    for (const name of ["session", "refresh-token", "form"]) {
      for (const planted of [madeUp, "x", "", cookieOf(attacker, name)]) {
        const tossed = `${prefix}${name}=${planted}`;
        const own = headerOf(victim);
        for (const cookie of [`${tossed}; ${own}`, `${own}; ${tossed}`, [own, tossed], [tossed, own]]) {
          const heard = target.events.length;
          const headers = { cookie };
          const answers = [
            await target.browser().get("/", { headers }),
            await target.browser().get("/login", { headers }),
            await target.browser().post("/logout", {}, { headers, token: victim.token }),
          ];
          for (const answer of answers) expect(answer).toMatchObject({ status: 400, setCookies: [] });
          const types = target.events.slice(heard).map(({ type }) => type);
          expect(types).toEqual(answers.map(() => "duplicate-cookies"));
        }
      }
    }
    await expectServes(ada, headerOf(victim));
    await expectServes(ben, headerOf(attacker));
  });

  test("names that only look like ours are other cookies, before and behind our own (CWE-384)", async () => {
    attacker = await target.signedIn(ben);
    for (const ours of ["session", "refresh-token", "form"]) {
      for (const name of lookAlikes(prefix, ours)) {
        const tossed = `${name}=${cookieOf(attacker, ours)}`;
        await expectServes(ada, `${tossed}; ${headerOf(victim)}`);
        await expectServes(ada, `${headerOf(victim)}; ${tossed}`);
      }
    }
    const whole = (spell: (name: string) => string) =>
      ["session", "refresh-token"].map((ours) => `${spell(ours)}=${cookieOf(attacker, ours)}`).join("; ");
    for (let index = 0; index < lookAlikes(prefix, "session").length; index++) {
      await expectServes(
        null,
        whole((ours) => lookAlikes(prefix, ours)[index] ?? ""),
      );
    }
    await expectServes(
      ben,
      whole((ours) => `${prefix}${ours}`),
    );
  });

  test("nameless, $Version, quoted, comma-joined and bracketed spellings open nothing and shadow nothing", async () => {
    attacker = await target.signedIn(ben);
    const own = headerOf(victim);
    const [session, refreshToken] = [cookieOf(attacker, "session"), cookieOf(attacker, "refresh-token")];
    const pair = `${prefix}session=${session}; ${prefix}refresh-token=${refreshToken}`;
    for (const noise of [
      `=${prefix}session=${session}`,
      `${prefix}session`,
      "=",
      "; ; ;",
      "$Version=1; $Path=/; $Domain=.example.com",
      `$Version=1; $${prefix}session=${session}`,
      `x="a`,
      `__proto__=x; constructor=y`,
      `x=${prefix}session=${session}`,
    ]) {
      await expectServes(ada, `${noise}; ${own}`);
      await expectServes(ada, `${own}; ${noise}`);
      await expectServes(null, noise);
    }
    for (const spelling of [
      `$Version=1; ${prefix}session="${session}"; ${prefix}refresh-token="${refreshToken}"`,
      `${prefix}session=${session}, ${prefix}refresh-token=${refreshToken}`,
      `${prefix}session=${encodeURIComponent(`"${session}"`)}; ${prefix}refresh-token=%22${refreshToken}%22`,
      `${prefix}session=${session}.; ${prefix}refresh-token=${refreshToken}.`,
    ]) {
      await expectServes(null, spelling);
    }
    await expectServes(ben, pair);
  });

  test("a jar filled to the brim neither hides our cookies nor signs anybody out", async () => {
    const junk = Array.from({ length: 150 }, (_, index) => `junk-${index}=${"x".repeat(40)}`).join("; ");
    await expectServes(ada, `${junk}; ${headerOf(victim)}`);
    await expectServes(ada, `${headerOf(victim)}; ${junk}`);
    for (const name of ["session", "refresh-token", "form"]) {
      await expectServes(null, `${prefix}${name}=${"A".repeat(6_000)}`);
    }
    // By fetch, whose connections are its own: the server closes this one.
    const cookie = `${headerOf(victim)}; junk=${"x".repeat(20_000)}`;
    const answer = await fetch(`http://127.0.0.1:${target.port}/`, { headers: { cookie } });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([431, []]);
    await expectServes(ada, headerOf(victim));
  });

  test("a session id that was planted before signing in is never the one that signs in (ASVS 7.2.4)", async () => {
    for (const kind of ["made up", "attacker's id", "attacker's pair", "ended pair"] as const) {
      attacker = await target.signedIn(ben);
      const planted =
        kind === "made up" ? [madeUp, ""] : ["session", "refresh-token"].map((n) => cookieOf(attacker, n));
      if (kind === "attacker's id") planted[1] = "";
      if (kind === "ended pair") await ended(attacker);
      const mark = target.browser();
      mark.plant(`${prefix}session`, planted[0] ?? "");
      if (planted[1]) mark.plant(`${prefix}refresh-token`, planted[1]);

      const attackers = headerOf(mark);
      const answer = await signIn(mark, ada);
      expect(answer.status).toBe(302);
      for (const name of ["session", "refresh-token"]) {
        expect(cookieOf(mark, name)).not.toBe("");
        expect(planted).not.toContain(cookieOf(mark, name));
      }
      await expectServes(ada, headerOf(mark));
      // What the attacker knows opens nothing any more, or their own account at most: never the victim's.
      const { body } = await home(attackers);
      expect(body).not.toContain(ada.fullName);
      expect(body).not.toContain(ada.email);
    }
  });

  test("each half of another's pair beside our own other half is nobody's, and costs nobody the sign-in", async () => {
    attacker = await target.signedIn(ben);
    const half = (session: Browser, refreshToken: Browser) =>
      `${prefix}session=${cookieOf(session, "session")}; ${prefix}refresh-token=${cookieOf(refreshToken, "refresh-token")}`;
    // A live session is its owner's, whatever stands beside it; it is the renewal that looks at both (attack A2).
    await expectServes(ada, half(victim, attacker));
    await expectServes(ben, half(attacker, victim));
    const heard = target.events.length;
    await expectServes(
      null,
      `${prefix}session=${madeUp}; ${prefix}refresh-token=${cookieOf(victim, "refresh-token")}`,
    );
    expect(target.events.slice(heard).map(({ type }) => type)).toEqual(["mismatched-pair"]);
    await expectServes(ada, headerOf(victim));
  });

  test("a form cookie that was planted signs nobody in from another page, and is worth nothing afterwards (CORF)", async () => {
    const planter = target.browser();
    await planter.get("/login");
    const known = planter.token;
    const mark = target.browser();
    mark.plant(`${prefix}form`, cookieOf(planter, "form"));
    const asBen = { email: ben.email, password: ben.password };
    for (const headers of [
      { "sec-fetch-site": "same-site", origin: origin.replace("://", "://evil.") },
      { "sec-fetch-site": [], origin: origin.replace("://", "://evil.") },
      { "sec-fetch-site": [], origin: [] },
    ]) {
      const answer = await mark.post("/login", asBen, { token: known, headers });
      expect(answer).toMatchObject({ status: 403, setCookies: [] });
    }
    expect((await signIn(mark, ada)).status).toBe(302);
    expect(await mark.post("/logout", {}, { token: known })).toMatchObject({ status: 403, setCookies: [] });
    await expectServes(ada, headerOf(mark));
  });

  test("a planted device cookie opens nothing, and two of them keep nobody out", async () => {
    attacker = await target.signedIn(ben);
    const device = cookieOf(attacker, "device");
    expect(device).toMatch(/^[\w-]{43}$/);
    for (const planted of [device, cookieOf(victim, "device"), madeUp]) {
      await expectServes(null, `${prefix}device=${planted}`);
      const others = headerOf(victim)
        .split("; ")
        .filter((each) => !each.startsWith(`${prefix}device=`));
      await expectServes(ada, [...others, `${prefix}device=${planted}`].join("; "));
      await expectServes(ada, `${prefix}device=${planted}; ${headerOf(victim)}`);
      await expectServes(ada, `${headerOf(victim)}; ${prefix}device=${planted}`);
    }
    const mark = target.browser();
    mark.plant(`${prefix}device`, device);
    expect((await signIn(mark, ada)).status).toBe(302);
    await expectServes(ada, headerOf(mark));
    // The attacker's own sign-in is where it was: the same device twice is two sign-ins.
    await expectServes(ben, headerOf(attacker));
  });

  test("signing in again gives another id, and the one before opens nothing (ASVS 7.2.4)", async () => {
    const mark = await target.signedIn(ada);
    const before = headerOf(mark);
    expect((await signIn(mark, ada)).status).toBe(302);
    await expectServes(ada, headerOf(mark));
    await expectServes(null, before);
  });

  async function signIn(browser: Browser, { email, password }: Person): Promise<Incoming> {
    // The form as it is when nobody is signed in; one who is (by a planted session) gets a token from any page.
    const login = await browser.get("/login");
    if (login.status !== 200) await browser.get("/no-such-page");
    return browser.post("/login", { email, password });
  }

  async function ended(browser: Browser): Promise<void> {
    const copy = browser.copy();
    await copy.get("/no-such-page");
    expect((await copy.post("/logout")).status).toBe(302);
  }

  test("no page prints a cookie's value (CWE-200)", async () => {
    for (const path of ["/", "/login", "/no-such-page", "/cart", "/posts"]) {
      const { body } = await victim.get(path);
      for (const { value } of victim.jar.values()) expect(body.includes(value)).toBe(false);
    }
  });
});

describe.each(everyTarget.filter(([, origin]) => origin.startsWith("https:")))("%s at %s", (name, origin) => {
  test("cookies a sibling host can set, without the prefix, are not read at all (ASVS 3.3.3)", async () => {
    await using target = await startTarget(name, origin);
    const attacker = await target.signedIn(ben);
    const victim = await target.signedIn(ada);
    for (const browser of [victim, target.browser()]) {
      for (const ours of ["session", "refresh-token", "form", "device", "cart"]) {
        browser.plant(ours, attacker.jar.get(`__Host-${ours}`)?.value ?? madeUp);
      }
    }
    expect((await victim.get("/")).body).toContain(ada.fullName);
    await victim.get("/no-such-page");
    expect((await victim.post("/logout")).status).toBe(302);
    const { body } = await victim.get("/");
    expect(body).not.toContain(ada.fullName);
    expect(body).not.toContain(ben.email);
  });
});

/** Names a browser lets a sibling host set although ours are out of its reach, and names a sloppy parser reads as ours. */
function lookAlikes(prefix: string, ours: string): string[] {
  const own = `${prefix}${ours}`;
  const others = [
    own.toUpperCase(),
    `${own}[]`,
    `${own}.`,
    `\u00a0${own}`,
    `${own}\u00a0`,
    `"${own}"`,
    `$${own}`,
    own.replaceAll("-", "%2D").replaceAll("s", "%73"),
    `__Secure-${ours}`,
    `__Host-Http-${ours}`,
    prefix === "" ? `__Host-${ours}` : ours,
    prefix === "" ? `x${ours}` : `__host-${ours}`,
  ];
  return others.filter((each) => each !== own);
}
