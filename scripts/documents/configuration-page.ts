/** `docs/configuration.md`, from the settings themselves. */
import { settings } from '../../shared/settings.ts';

/** The page as Markdown. */
export function configurationPage(): string {
  const rows = Object.values(settings).map(({ env, about, example }) => {
    const fallback = example === '' ? 'not set' : `\`${example}\``;
    return `| \`${env}\` | ${fallback} | ${cell(about)} |`;
  });
  return `# Configuration

Settings come from the environment and from the file \`.env\` in the working directory; a variable of the environment wins
over the file. They are read once, at the start. A value that cannot be read stops the start with one message that lists
every problem, without repeating what may be a secret. \`npm run doctor -- --only configuration\` tells the same without
starting anything.

\`cp .env.example .env\` gives a file with a line for each. Three need a value: \`GEMINI_API_KEYS\` (or add the keys in the
panel), \`ADMIN_PASSWORD\`, \`JWT_SECRET\`. An empty value counts as not set. The file holds secrets: \`chmod 600 .env\`.

This page is generated: \`npm run docs\`.

| setting | default | what it is for |
|---|---|---|
${rows.join('\n')}

## In a container

\`deploy.sh\` and \`compose.yaml\` set \`LISTEN_ADDR\` and the folder of \`DATABASE_URL\` themselves: the gateway listens on port
8080 of its container, and the database lies in the volume, as \`/data/gemini_pool.db\` unless \`DATABASE_URL\` has another
name. Everything else is taken from \`.env\`.

## Limits that are not settings

Ceilings that protect the gateway itself, such as the depth of JSON or the number of messages in a chat, are constants with
their reasons in \`shared/limits.ts\`.
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;');
}
