/** What a new password must be. */
import { GatewayError } from '../../shared/errors.ts';

const charsMin = 12;
const charsMax = 256;

/** Throws `invalid_value` for a password that is too short, too long, or guessed first. */
export function refuseWeakPassword(password: string, username: string, param: string): void {
  const chars = [...password].length;
  const complaint =
    chars < charsMin || chars > charsMax
      ? `expected ${charsMin} to ${charsMax} characters`
      : isGuessedFirst(password, username)
        ? 'it is easy to guess'
        : null;
  if (complaint !== null)
    throw new GatewayError('invalid_value', { message: `Invalid value for '${param}': ${complaint}.`, param });
}

/** One character over and over, the user's own name, or what everybody tries. */
function isGuessedFirst(password: string, username: string): boolean {
  const lower = password.toLowerCase();
  if (new Set(lower).size < 4) return true;
  if (username.length >= 4 && lower.replaceAll(username.toLowerCase(), '').length < 4) return true;
  return /^(password|passwort|admin(istrator)?|qwerty(uiop)?|letmein|welcome|1234567890|changeme)[\d!@#$%^&*._-]*$/.test(
    lower,
  );
}
