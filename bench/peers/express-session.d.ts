// What the bench uses of express-session, which brings no types of its own.
declare module "express-session" {
  import type { RequestHandler } from "express";

  export interface SessionData {
    cookie: { expires?: Date | null };
  }

  interface Session extends SessionData {
    regenerate(callback: (error?: Error | null) => void): void;
  }

  export class Store {
    get(id: string, callback: (error: unknown, session?: SessionData | null) => void): unknown;
  }

  export class MemoryStore extends Store {}

  interface Options {
    secret: string;
    store: Store;
    resave: boolean;
    saveUninitialized: boolean;
    rolling?: boolean;
    cookie?: { maxAge?: number; httpOnly?: boolean; sameSite?: "lax"; secure?: boolean };
  }

  export default function session(options: Options): RequestHandler;

  global {
    namespace Express {
      interface Request {
        session: Session;
      }
    }
  }
}
