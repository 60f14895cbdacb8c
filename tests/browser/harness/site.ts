/** A web server on loopback that serves what it is given. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Files by their path. */
export type Files = Readonly<Record<string, string>>;

export class Site {
  readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async of(files: Files): Promise<Site> {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      const text = files[path];
      response.statusCode = text === undefined ? 404 : 200;
      response.setHeader("content-type", path.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8");
      response.setHeader("cache-control", "no-store");
      response.end(text ?? "");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Site(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A page that runs one script. */
export function page(script: string, title = "sixframe"): string {
  return `<!doctype html><title>${title}</title><body><script src="${script}"></script>`;
}
