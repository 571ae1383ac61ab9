/**
 * Builds the panel: one script and its later parts, one style sheet, and the page that loads them, each also compressed.
 * `manifest.json` tells the gateway what there is.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const types = /** @type {Record<string, string>} */ ({
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
});

/** Writes the panel of `root` into the folder `into`. */
export async function buildPanel(/** @type {string} */ root, /** @type {string} */ into) {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['admin/main.tsx'],
    outdir: into,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: ['es2023', 'chrome115', 'firefox115', 'safari16.4'],
    minify: true,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  mkdirSync(into, { recursive: true });
  const files = outputFiles.map(({ path, contents }) => ({ name: basename(path), contents }));
  for (const { name, contents } of files) writeForms(join(into, name), contents);
  const main = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'admin/main.tsx');
  if (main === undefined) throw new Error('esbuild made no bundle of admin/main.tsx');
  const page = readFileSync(join(root, 'admin/page.html'), 'utf8')
    .replace('{script}', basename(main[0]))
    .replace('{style}', basename(main[1].cssBundle ?? ''));
  writeForms(join(into, 'page.html'), Buffer.from(page));
  const assets = files.map(({ name }) => ({ name, type: types[name.slice(name.lastIndexOf('.'))] ?? '' }));
  writeFileSync(join(into, 'manifest.json'), JSON.stringify({ page: 'page.html', assets }));
}

/** A file, its compressed forms, and the hash by which browsers know whether they have it. */
function writeForms(/** @type {string} */ path, /** @type {Uint8Array} */ contents) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
  writeFileSync(`${path}.gz`, gzipSync(contents, { level: 9 }));
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }),
  );
  writeFileSync(`${path}.etag`, createHash('sha256').update(contents).digest('base64url').slice(0, 22));
}
