/**
 * One history: two applications, three browsers, two users and thieves at one provider. Requests are sent, go on step by
 * step, are answered, and their answers arrive or are lost; every answer is judged by verdict.ts as it comes.
 */
import type { Session, Sessions, Visitor, Workflow } from "../../packages/session/src/index.ts";
import { type Application, application, type Process } from "./application.ts";
import {
  type Browser,
  cookiesFor,
  handedOut,
  heldPair,
  home,
  type Jar,
  keep,
  type Party,
  type Thief,
  withCookies,
} from "./parties.ts";
import type { ModelProvider, Person } from "./provider.ts";
import { type Steps, steps } from "./steps.ts";
import { beginEnding, completeEnding, type Pair, second, type SignIn, succeed, use } from "./truth.ts";
import { type Asked, handedOutWrongly, letInWrongly, reachable, sentAwayWrongly } from "./verdict.ts";

/** What a handler does with its visitor; `found` is who was there. Answers whose pair the response sets. */
export type Act = (visitor: Visitor, found: SignIn | null, flight: Flight) => Promise<SignIn | null>;

/** A request on its way. */
export interface Flight extends Asked {
  readonly process: Process;
  readonly isLost: boolean;
  outcome: "page" | "sign-in" | "unavailable" | null;
  /** Who was there when the page was written. */
  signIn: SignIn | null;
  setCookie: readonly string[];
  answeredAt: number;
}

type IncomingRequest = Parameters<Sessions["receive"]>[0];

/** Requests in flight are that old at most: more is a slow upload (SECURITY, "What remains"). */
const longestFlight = 25 * second;

/** The state of one history. Every command of commands.ts works on it. */
export class History {
  readonly provider: ModelProvider;
  readonly people: readonly Person[];
  readonly applications: readonly [Application, Application];
  readonly browsers: readonly Browser[];
  readonly thieves: Thief[] = [];
  readonly signIns = new Map<string, SignIn>();
  readonly pairs = new Map<string, Pair>();
  /** Every jar that ever held a pair of a sign-in. */
  readonly snapshots = new Map<SignIn, Jar[]>();
  /** What was broken, in sentences. */
  readonly broken: string[] = [];
  /** Sent and not arrived yet. */
  flights: Flight[] = [];
  order = 0;
  /** Thieves who asked right after each of several requests of the owner, and whether the last answer was a page. */
  readonly shadows: { readonly address: string; readonly isServed: boolean }[] = [];
  readonly reach = { isDown: false, upAt: Number.NEGATIVE_INFINITY, upSince: 0 };
  readonly #steps: Steps = steps();

  constructor(provider: ModelProvider, people: readonly Person[], workflows: readonly [Workflow, Workflow]) {
    this.provider = provider;
    this.people = people;
    const [store, forum] = workflows;
    this.applications = [
      application(0, store, provider, this.#steps),
      application(1, forum, provider, this.#steps),
    ];
    this.browsers = ["A", "B", "C"].map((name) => ({
      kind: "browser",
      name,
      jars: [new Map(), new Map()],
      address: home,
    }));
  }

  now(): number {
    return this.provider.now();
  }

  held(party: Party, index: number): Pair | null {
    return heldPair(party, index, this.pairs, this.now());
  }

  /** Sends a request; it stops at its first step. */
  send(
    party: Party,
    index: 0 | 1,
    which: 0 | 1,
    act: Act,
    options: { path?: string; isLost?: boolean; from?: string } = {},
  ): Flight {
    this.order += 1;
    const presented = this.held(party, index);
    const flight: Flight = {
      party,
      application: index,
      presented,
      order: this.order,
      sentAt: this.now(),
      process: this.applications[index].process(which),
      isLost: options.isLost ?? false,
      outcome: null,
      signIn: null,
      setCookie: [],
      answeredAt: 0,
    };
    if (party.kind === "thief" && party.loot === "pair" && presented?.signIn.application === index)
      presented.signIn.isShared = true;
    this.flights.push(flight);
    const cookies = cookiesFor(party, index, this.now());
    const { path = "/page", from = party.address } = options;
    this.#run(flight, incoming(path, cookies, from), act).catch((error: unknown) => {
      this.broken.push(error instanceof Error ? String(error.stack) : String(error));
      flight.outcome = "unavailable";
    });
    return flight;
  }

  /** Sends a request and waits for its answer, which arrives unless it is lost. */
  async ask(...sent: Parameters<History["send"]>): Promise<Flight> {
    const flight = this.send(...sent);
    await this.#steps.runUntil(() => flight.outcome !== null);
    this.arrive(flight);
    return flight;
  }

  goOn(index: number): Promise<void> {
    return this.#steps.goOn(index);
  }

  /** The answer reaches its browser, or is lost on the way. */
  arrive(flight: Flight): void {
    this.flights = this.flights.filter((each) => each !== flight);
    const { party, application: index, setCookie, isLost, signIn, answeredAt } = flight;
    const pair = this.pairs.get(handedOut(setCookie) ?? "") ?? null;
    if (isLost) {
      if (pair !== null) pair.signIn.lostAt ??= answeredAt;
      return;
    }
    keep(party, index, setCookie, this.now());
    if (pair !== null) this.#remember(pair.signIn, setCookie);
    if (party.kind === "thief" || signIn === null) return;
    if (pair !== null) pair.signIn.lostAt = null;
    if (reachable(this.reach, flight)) signIn.vouchedAt = Math.max(signIn.vouchedAt, answeredAt);
  }

  /** Everything under way is answered and arrives, in the order it was sent. */
  async finish(): Promise<void> {
    await this.#steps.runUntil(() => this.flights.every(({ outcome }) => outcome !== null));
    for (const flight of this.flights) this.arrive(flight);
  }

  async pass(milliseconds: number): Promise<void> {
    const oldest = Math.min(...this.flights.map(({ sentAt }) => sentAt));
    if (this.now() + milliseconds > oldest + longestFlight) await this.finish();
    this.provider.pass(milliseconds);
  }

  /** A process dies in the middle of everything; what it was to answer never arrives. */
  restart(index: 0 | 1, which: 0 | 1): void {
    const died = this.applications[index].process(which);
    for (const { presented } of this.flights.filter(
      ({ process, outcome }) => process === died && outcome === null,
    ))
      if (presented !== null) presented.signIn.lostAt ??= this.now();
    this.flights = this.flights.filter(({ process, outcome }) => process !== died || outcome !== null);
    this.applications[index].restart(which);
  }

  setReach(isDown: boolean): void {
    this.order += 1;
    if (this.reach.isDown && !isDown) this.reach.upAt = this.now();
    this.reach.upSince = this.order;
    this.reach.isDown = isDown;
    this.provider.isDown = isDown;
  }

  /** What every process does by itself every 30 seconds. */
  maintain(index: 0 | 1): Promise<void> {
    const { sessions } = this.applications[index].process(0);
    const upkeep = { isDone: false };
    const done = sessions.maintain().then(() => (upkeep.isDone = true));
    return this.#steps
      .runUntil(() => upkeep.isDone)
      .then(() => done)
      .then(() => undefined);
  }

  async close(): Promise<void> {
    for (const each of this.applications) await each.close();
  }

  /** A new sign-in that somebody has the cookies of. */
  began(session: Session, person: Person, remembered: boolean, flight: Flight): SignIn {
    const signIn: SignIn = {
      id: session.signInId,
      application: flight.application,
      person,
      remembered: remembered && (this.applications[flight.application]?.renews ?? false),
      renews: this.applications[flight.application]?.renews ?? false,
      authenticatedAt: session.authenticatedAt,
      mayBeOver: person.sweeps > 0 || person.sweptSince > flight.order,
      endings: 0,
      hasEnded: false,
      endedSince: null,
      disownedAt: null,
      isShared: false,
      vouchedAt: session.authenticatedAt,
      lostAt: null,
    };
    if (session.user.id !== person.id) this.broken.push("somebody else was signed in");
    if (session.authenticatedAt < flight.sentAt || session.authenticatedAt > this.now())
      this.broken.push("signed in at another time than this");
    this.signIns.set(signIn.id, signIn);
    return signIn;
  }

  /** These sign-ins are over for good, once `ending` is done. */
  async end(signIns: readonly SignIn[], ending: () => Promise<unknown>): Promise<void> {
    beginEnding(signIns);
    await ending();
    this.order += 1;
    completeEnding(signIns, this.order, true);
  }

  async #run(flight: Flight, request: IncomingRequest, act: Act): Promise<void> {
    const { process, presented } = flight;
    const received = await process.sessions.receive(request);
    if (received.kind === "answer") return this.#refused(flight, received.answer.status);
    const { visitor } = received;
    const found = this.#found(visitor, flight);
    await process.step();
    const owner = await act(visitor, found, flight);
    const meant = received.headers().setCookie;
    this.order += 1;
    const writtenAt = this.order;
    await received.dropOvertakenCookies();
    flight.setCookie = received.headers().setCookie;
    const handed = handedOut(flight.setCookie);
    if (handed !== null && owner !== null) this.#handed(handed, owner, flight, writtenAt);
    if (found !== null && presented !== null && handedOut(meant) === null) use(presented, this.now());
    flight.signIn = owner;
    flight.answeredAt = this.now();
    flight.outcome = "page";
  }

  #found({ session }: Visitor, flight: Flight): SignIn | null {
    if (session === null) return null;
    this.#judge(letInWrongly(session, flight, this.reach), flight);
    return this.signIns.get(session.signInId) ?? null;
  }

  #refused(flight: Flight, status: number): void {
    if (status === 503) {
      if (!this.reach.isDown && this.reach.upSince < flight.order)
        this.#judge("503 with nothing down", flight);
    } else if (status === 302) this.#judge(sentAwayWrongly(flight, this.now()), flight);
    else this.#judge(`an answer of ${status}`, flight);
    flight.answeredAt = this.now();
    flight.outcome = status === 302 ? "sign-in" : "unavailable";
  }

  #handed(sessionId: string, signIn: SignIn, flight: Flight, writtenAt: number): void {
    const known = this.pairs.get(sessionId);
    const pair = known ?? newPair(sessionId, signIn);
    pair.handed[flight.party.kind] ??= this.now();
    this.pairs.set(sessionId, pair);
    if (pair.signIn !== signIn) this.broken.push("one session id was handed out for two sign-ins");
    this.#judge(handedOutWrongly(pair, flight, writtenAt), flight);
    if (flight.presented?.signIn === signIn) succeed(flight.presented, pair);
  }

  #remember(signIn: SignIn, setCookie: readonly string[]): void {
    const jar = withCookies(new Map(), setCookie, this.now());
    this.snapshots.set(signIn, [...(this.snapshots.get(signIn) ?? []), jar]);
  }

  #judge(broken: string | null, { party, application: index, order, presented }: Flight): void {
    if (broken === null) return;
    const signIn = presented === null ? "none" : `${presented.signIn.id} of ${presented.signIn.person.email}`;
    this.broken.push(
      `${broken}: ${party.name} at ${index === 0 ? "store" : "forum"}, request ${order}, sign-in ${signIn}`,
    );
  }
}

function newPair(sessionId: string, signIn: SignIn): Pair {
  return {
    sessionId,
    signIn,
    parents: new Set(),
    successor: null,
    handed: {},
    usedAt: null,
    supersededAt: null,
  };
}

function incoming(target: string, cookies: Map<string, string>, address: string): IncomingRequest {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return {
    method: "GET",
    target,
    header: (name: string) => (name === "cookie" && cookie !== "" ? cookie : undefined),
    address,
    body: () => undefined,
  };
}
