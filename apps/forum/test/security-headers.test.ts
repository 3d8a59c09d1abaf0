import { describe } from "vitest";
import { securityHeaders, strictTransportSecurity } from "../../../test/applications/security-headers.ts";
import { openBoard, startThread } from "./board.ts";

securityHeaders(openBoard(), {
  pages: [
    [200, "/"],
    [200, "/login"],
    [200, "/threads/1"],
    [302, "/posts"],
    [302, "/no-such-page"],
    [400, "/threads/%zz"],
    [404, "/threads/999"],
    [400, "//evil.example/"],
    [404, "/assets/no-such-file.css"],
    [404, "/assets/..%2f..%2fpackage.json"],
  ],
  files: ["pico.css", "forum.css", "icon.svg"],
  userPages: ["/posts", "/new-thread", "/account", "/account/password"],
  sendForm: (member) => startThread(member, "A title", "A text"),
});

describe("on https", () => {
  const board = openBoard({ origin: "https://forum.example.com" });

  strictTransportSecurity(board, ["/", "/posts", "/assets/forum.css", "/threads/999"]);
});
