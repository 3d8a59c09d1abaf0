// A call to the provider has its deadline and no longer: what it asked for is aborted then, and an answer that comes all the same is
// nobody's. One that was answered in time is left alone.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { IdentityProviderUnavailableError } from "../src/errors.ts";
import { type Outgoing, sender } from "../src/provider-call.ts";

const options = { url: "https://id.example.com", applicationId: "shop", apiKey: "key", deadline: 1_000 };
const clocks = { now: () => 0, elapsed: () => performance.now() };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A call to a provider that answers when it is told to, or throws. */
function call(outgoing: Outgoing = {}) {
  const answer = Promise.withResolvers<Response>();
  const asked: Request[] = [];
  const published: unknown[] = [];
  const fetch = (request: Request) => {
    asked.push(request);
    return answer.promise;
  };
  const send = sender({ ...options, fetch }, clocks, (event) => void published.push(event));
  const heard = vi.fn();
  const outcome = send("GET", "/there", outgoing).then(heard, heard);
  return { answer, asked, published, heard, outcome };
}

test.each([
  [1, 1_000],
  [2, 2_000],
] as const)(
  "patience %i: given up after %i ms or an eighth later, aborted, and not answered late",
  async (patience, deadline) => {
    const { answer, asked, published, heard } = call({ patience });
    await vi.advanceTimersByTimeAsync(deadline - 1);
    expect([asked[0]?.signal.aborted, heard.mock.calls.length]).toEqual([false, 0]);
    await vi.advanceTimersByTimeAsync(deadline / 8 + 1);
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(heard).toHaveBeenCalledExactlyOnceWith(expect.any(IdentityProviderUnavailableError));
    answer.resolve(Response.json({}));
    await vi.advanceTimersByTimeAsync(10 * deadline);
    expect(heard).toHaveBeenCalledOnce();
    expect(published).toEqual([expect.objectContaining({ type: "provider-called", status: null })]);
  },
);

test("a body that never ends is given up like an answer that never begins", async () => {
  const { answer, asked, heard } = call();
  answer.resolve(new Response(new ReadableStream()));
  await vi.advanceTimersByTimeAsync(1_125);
  expect(asked[0]?.signal.aborted).toBe(true);
  expect(heard).toHaveBeenCalledExactlyOnceWith(expect.any(IdentityProviderUnavailableError));
});

test("what is answered in time is not aborted afterwards, and no timer is left", async () => {
  const { answer, asked, heard, outcome } = call();
  answer.resolve(Response.json({ ok: true }));
  await outcome;
  expect(heard).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ status: 200, body: { ok: true } }));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked[0]?.signal.aborted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("a fetch that throws at once is an outage, not an exception", async () => {
  const fetch = () => {
    throw new TypeError("no such scheme");
  };
  const send = sender({ ...options, fetch }, clocks, () => {});
  await expect(send("GET", "/there", {})).rejects.toThrow(IdentityProviderUnavailableError);
});

test("what a request carries: the key unless it is anonymous or somebody else's, the tenant, the form or the JSON", async () => {
  const asked: Request[] = [];
  const fetch = async (request: Request) => {
    asked.push(request);
    return Response.json({});
  };
  const send = sender({ ...options, tenantId: "tenant", fetch }, clocks, () => {});
  await send("POST", "/a", { json: { a: 1 } });
  await send("POST", "/b", { form: { b: "1 2" }, authorization: "Basic eA==" });
  await send("GET", "/c", { anonymous: true });
  const named = ["authorization", "content-type", "x-fusionauth-tenantid", "accept"];
  expect(asked.map(({ headers }) => named.map((name) => headers.get(name)))).toEqual([
    ["key", "application/json", "tenant", "application/json"],
    ["Basic eA==", "application/x-www-form-urlencoded;charset=UTF-8", "tenant", "application/json"],
    [null, null, "tenant", "application/json"],
  ]);
  expect(await Promise.all(asked.map((request) => request.text()))).toEqual(['{"a":1}', "b=1+2", ""]);
  expect(asked.map(({ redirect }) => redirect)).toEqual(["manual", "manual", "manual"]);
});
