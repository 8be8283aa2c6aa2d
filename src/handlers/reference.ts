import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Express, RequestHandler } from 'express';

/** The OpenAPI document, and a page to read it on: Swagger UI out of our own node_modules, so that it works offline. */

/** Only our own files, and nobody's frame. Swagger UI's icons are `data:` images of its style sheet. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const guards = { 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };

/** Names are relative to `/api/reference`, so that the page also works below a prefix of a proxy. */
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Tillkey API</title>
    <link rel="icon" type="image/png" href="reference/favicon-32x32.png">
    <link rel="stylesheet" href="reference/index.css">
    <link rel="stylesheet" href="reference/swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <script src="reference/swagger-ui-bundle.js"></script>
    <script src="reference/start.js"></script>
  </body>
</html>
`;

/** Without a `validatorUrl` of null Swagger UI would show the document to a host of its makers. */
const start = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: 'list',
  validatorUrl: null,
});
`;

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('swagger-ui-dist/package.json'));
/** Of the package's files, those the page names. */
const files = ['favicon-32x32.png', 'index.css', 'swagger-ui-bundle.js', 'swagger-ui.css'];

/** Serves the document and the page. The document never changes while a process lives. */
export function serveReference(app: Express, document: () => object, limit: RequestHandler): void {
  app.get('/api/openapi.json', limit, fixed('json', () => JSON.stringify(document())));
  app.get('/api/reference', limit, withoutSlash, fixed('html', () => page));
  app.get('/api/reference/start.js', limit, fixed('js', () => start));
  for (const file of files) {
    app.get(`/api/reference/${file}`, limit, (_request, response) => response.set(guards).sendFile(file, { root: folder, maxAge: '1 day' }));
  }
}

/** With a slash at its end the page would look for its files in the wrong place. */
const withoutSlash: RequestHandler = (request, response, next) => {
  if (request.path.endsWith('/')) response.redirect(308, '../reference');
  else next();
};

/** A text that is made once, which whoever has it already need not load again. */
function fixed(type: string, make: () => string): RequestHandler {
  let made: { text: string; etag: string } | undefined;
  return (_request, response) => {
    made ??= tagged(make());
    response.set({ ...guards, ETag: made.etag, 'Cache-Control': 'no-cache' }).type(type).send(made.text);
  };
}

function tagged(text: string): { text: string; etag: string } {
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}
