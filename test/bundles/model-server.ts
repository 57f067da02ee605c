import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A real HTTP server on the loopback; remembers the `Range` of each request. */
export class ModelServer {
  readonly ranges: (string | undefined)[] = [];
  readonly paths: (string | undefined)[] = [];
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(handler: Handler): Promise<ModelServer> {
    const box: { self?: ModelServer } = {};
    const server = createServer((request, response) => {
      box.self!.ranges.push(request.headers.range);
      box.self!.paths.push(request.url);
      handler(request, response, box.self!.ranges.length);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    box.self = new ModelServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return box.self;
  }

  /** Breaks every connection, as a lost network does. */
  cut(): void {
    this.server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Answers as a good static server does, with ranges and an entity tag. */
export function serve(bytes: Uint8Array, etag = '"one"'): Handler {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const condition = request.headers['if-range'];
    if (start > 0 && (condition === undefined || condition === etag)) {
      response.writeHead(206, {
        etag,
        'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
        'content-length': bytes.length - start,
      });
      response.end(bytes.subarray(start));
    } else {
      response.writeHead(200, { etag, 'content-length': bytes.length });
      response.end(bytes);
    }
  };
}

/** Sends the first part of the body and then nothing: until `ModelServer.cut`, or for ever. */
export function stallAfter(bytes: Uint8Array, count: number, etag = '"one"'): Handler {
  return (_request, response) => {
    response.writeHead(200, { etag, 'content-length': bytes.length });
    response.write(bytes.subarray(0, count));
  };
}
