/**
 * The pages of dashboard and lab, as `npm run build:web` wrote them. Every file has a route of its own, found when the server starts: no path is ever
 * made of what a caller sends. They are served without credentials, since a browser has none before it has the page that asks for them.
 */
import fastifyStatic from '@fastify/static';
import type { FastifyReply } from 'fastify';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Http } from './routes.ts';

/** Where the build of this package lies. */
export const WEB_DIRECTORY: string = fileURLToPath(new URL('../../../dist/web', import.meta.url));

/** The folder for files that bear a hash of their content in their name. */
const HASHED = 'assets/';

const INDEX = 'index.html';

const OPTIONS = { config: { open: true }, schema: { hide: true } } as const;

export interface WebPages {
  readonly directory: string;
  /** `http://host:port` of every node: a page talks to all of them. */
  readonly clusterUrls: readonly string[];
}

/** Serves each file of the build; without one a page at `/` says how to make it. */
export async function addWebPages(http: Http, { directory, clusterUrls }: WebPages): Promise<void> {
  const files = filesIn(directory);
  if (!files.includes(INDEX)) {
    http.get('/', OPTIONS, async (_, reply) =>
      page(reply, clusterUrls).code(503).type('text/html; charset=utf-8').send(UNBUILT),
    );
    return;
  }
  await http.register(fastifyStatic, { root: directory, serve: false });
  for (const file of files) {
    const isPage = file.endsWith(INDEX);
    const send = async (_: unknown, reply: FastifyReply): Promise<FastifyReply> => {
      if (isPage) page(reply, clusterUrls);
      const isHashed = file.startsWith(HASHED);
      // A page is asked for anew each time (its ETag makes that cheap), so that it always names the files of its own build.
      const caching = isHashed ? 'public, max-age=31536000, immutable' : 'no-cache';
      return reply.header('cache-control', caching).sendFile(file, { cacheControl: false });
    };
    for (const path of pathsOf(file)) http.get(path, OPTIONS, send);
  }
}

/** Paths relative to `directory`, `/` between folders; none where there is no such directory. */
function filesIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(directory.length + 1)
        .replaceAll('\\', '/'),
    )
    .toSorted();
}

/** `index.html` answers at `/`, `lab/index.html` at `/lab` and `/lab/`. */
function pathsOf(file: string): readonly string[] {
  if (file === INDEX) return ['/'];
  if (!file.endsWith(`/${INDEX}`)) return [`/${file}`];
  const folder = file.slice(0, -INDEX.length - 1);
  return [`/${folder}`, `/${folder}/`];
}

/** What a page may do: run and style itself from this node's files only, and talk to the nodes of this cluster. */
function page(reply: FastifyReply, clusterUrls: readonly string[]): FastifyReply {
  const origins = clusterUrls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin);
  return reply.header(
    'content-security-policy',
    [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "worker-src 'self'",
      `connect-src ${["'self'", ...new Set(origins)].join(' ')}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
  );
}

const UNBUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>pbft</title></head>
<body>
<h1>This node runs; its pages are not built</h1>
<p>In the folder of pbft: <code>npm run build:web</code>, then start the node again.</p>
<p>Everything else is there: <a href="/pbft/status">status</a>, <a href="/openapi.json">the API</a>.</p>
</body>
</html>
`;
