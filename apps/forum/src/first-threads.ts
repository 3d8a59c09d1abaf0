/** What a new forum starts with, so that its first visitor finds a conversation. Nobody can sign in as these people. */
import type { DatabaseSync } from "node:sqlite";
import { createThreads } from "./threads.ts";

/** Writes the first threads into an empty database, as if they had been written in the days before `now`. */
export function writeFirstThreads(database: DatabaseSync, now: number): void {
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_sequence LIMIT 1").get() === undefined;
  if (!isEmpty) return;
  let at = now - 8.5 * 24 * 60 * 60 * 1000;
  const threads = createThreads(database, () => at);
  for (const [title, ...posts] of conversations) {
    let thread: number | null = null;
    for (const [name, text] of posts) {
      at += 19.7 * 60 * 60 * 1000;
      const author = { id: `first-threads:${name}`, name };
      if (thread === null) ({ thread } = threads.start(title, text, author));
      else threads.reply(thread, text, author);
    }
  }
}

type Conversation = readonly [title: string, ...posts: (readonly [name: string, text: string])[]];

const conversations: readonly Conversation[] = [
  [
    "What was the first computer you wrote a program on?",
    [
      "Marit Holm",
      "Mine was a hand-me-down with 3.5 kB free and a cassette deck that had to be wedged with a pencil. The program asked for your name and then insulted you. I was nine.",
    ],
    [
      "Teo Brandt",
      "A school terminal with green letters and a key labelled BREAK. I found out what it did during somebody else's lesson.",
    ],
    [
      "Ines Calder",
      'My father\'s portable. Eleven kilograms, so "portable" meant that it had a handle. I drew a circle with it and we had the circle framed.',
    ],
  ],
  [
    "Cleaning yellowed cases without making them brittle",
    [
      "Teo Brandt",
      "The case of my old tower has gone the colour of tea. I have read about peroxide and sunlight, and I have seen what happens when it goes wrong: white streaks, and plastic that snaps.\n\nHas anybody done this and looked at the result again after five years?",
    ],
    [
      "Owen Prys",
      "Yes. Two came back yellow within three years, one is still fine. The fine one lives in a cupboard. I now leave them as they are and call it patina.",
    ],
  ],
  [
    "A picture tube that whistles only when it is cold",
    [
      "Ines Calder",
      "Twelve-inch amber monitor. For the first four minutes there is a thin whistle, then it stops and the picture is perfect. I can hear it from the next room; nobody over thirty can.\n\nWhere would you look first?",
    ],
    [
      "Marit Holm",
      "The line output transformer. The whistle is its core moving, and the glue gets soft again when it is warm. A drop of varnish helps.\n\nPlease discharge the tube before you put your hand anywhere near it, and keep the other hand in your pocket.",
    ],
    ["Ines Calder", "It was the transformer. It is quiet now, and I still have both hands. Thank you."],
  ],
  [
    "Swap table, first Saturday of the month",
    [
      "Owen Prys",
      "Same hall as always, doors open at ten. I will bring two boxes of printer ribbons, which I would like not to take home again.",
    ],
    [
      "Teo Brandt",
      "I am looking for a keyboard with its cable still attached. Any keyboard. I can offer jam.",
    ],
  ],
];
