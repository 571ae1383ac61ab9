/** Names in the environment that are no settings but look as if they were meant to be. */
import { settings } from './settings.ts';

/** Longer names are nobody's typing error, and comparing takes the square of their length. */
const charsMax = 64;
/** From so many characters on two may be wrong, and a last word be missing. */
const longChars = 12;

const names: readonly string[] = Object.values(settings).map(({ env }) => env);

export interface MistypedSetting {
  name: string;
  meant: string;
}

/** The names that are like that of a setting which is not set itself; `env` is the environment with `.env`. */
export function mistypedSettings(env: Readonly<Record<string, string | undefined>>): MistypedSetting[] {
  const unset = names.filter((name) => (env[name]?.trim() ?? '') === '');
  return Object.keys(env).flatMap((name) => {
    if (name.length > charsMax || names.includes(name)) return [];
    const meant = unset.find((setting) => isLike(name.toUpperCase().replaceAll('-', '_'), setting));
    return meant === undefined ? [] : [{ name, meant }];
  });
}

function isLike(name: string, setting: string): boolean {
  if (name.length >= longChars && setting.startsWith(`${name}_`)) return true;
  return distance(name, setting) <= (setting.length >= longChars ? 2 : 1);
}

/** How many characters must be put in, left out or replaced to make one text of the other. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, character] of [...a].entries()) {
    const line = [row + 1];
    for (let column = 0; column < b.length; column++)
      line.push(
        Math.min(
          (above[column] ?? 0) + (b[column] === character ? 0 : 1),
          (above[column + 1] ?? 0) + 1,
          (line[column] ?? 0) + 1,
        ),
      );
    above = line;
  }
  return above[b.length] ?? 0;
}
