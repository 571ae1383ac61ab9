/** `npm run docs`: writes the pages that are made from the code. A test sees to it that they are up to date. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compatibilityPage } from './documents/compatibility-page.ts';
import { configurationPage } from './documents/configuration-page.ts';

const folder = new URL('../docs/', import.meta.url);
writeFileSync(fileURLToPath(new URL('configuration.md', folder)), configurationPage());
writeFileSync(fileURLToPath(new URL('compatibility.md', folder)), compatibilityPage());
