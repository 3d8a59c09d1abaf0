// A real nginx of one's own, on configuration the test writes, in a temporary folder, gone afterwards.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { type Program, provide } from "./machine.ts";

/** A running nginx. */
export interface NginxServer {
  readonly pid: number;
  /** Takes over a changed configuration without dropping a connection. */
  reload(http: string): void;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

// Where nginx is.
function nginxProgram(): Program {
  return provide({ variable: "NGINX_PATH", names: ["nginx"], debian: "nginx-light" });
}

/** Starts nginx with `http` as the inside of its http block, and waits until it listens on `port`. */
export async function startNginx(http: string, port: number): Promise<NginxServer> {
  const program = nginxProgram();
  if (program.path === null) throw new Error(program.reason);
  const folder = mkdtempSync(join(tmpdir(), "latchkey-nginx-"));
  // Its workers are nobody's, and make their temporary files here.
  chmodSync(folder, 0o755);
  const file = join(folder, "nginx.conf");
  const write = (inside: string) => writeFileSync(file, whole(folder, inside));
  write(http);
  const child = await startChild(program.path, ["-c", file, "-p", folder, "-g", "daemon off;"], () =>
    accepts(port),
  );
  return {
    pid: child.pid,
    reload(changed) {
      write(changed);
      process.kill(child.pid, "SIGHUP");
    },
    async remove() {
      await child.stop("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function whole(folder: string, inside: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  ${inside}
}
`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
