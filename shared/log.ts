/**
 * The logs: JSON lines on standard output by pino, one logger a process or thread. Two nets hold secrets back: fields
 * are redacted by name, and every line is scrubbed of what looks like a key.
 */
import pino from 'pino';
import { geminiKeySource } from './key-pattern.ts';

export type Logger = pino.Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Gemini keys of both kinds, client keys, bearer tokens: in whatever text they stand. */
const secretPattern = new RegExp(`${geminiKeySource}|gp_[0-9A-Za-z_-]{16,}|\\beyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+`, 'g');

/** A text without the secrets in it. */
export function scrub(text: string): string {
  return text.replace(secretPattern, '[secret]');
}

/** A logger for a process or thread, named by its role in every line. */
export function makeLogger(role: string, level: LogLevel): Logger {
  return pino(
    {
      level,
      base: { role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          'key',
          'apiKey',
          'password',
          'token',
          'secret',
          'authorization',
          '*.key',
          '*.apiKey',
          '*.password',
          '*.token',
          '*.secret',
          '*.authorization',
        ],
        censor: '[secret]',
      },
      hooks: { streamWrite: scrub },
    },
    openDestination(),
  );
}

/**
 * Standard output. When it can't be written, as on a full disk, lines are lost and the program goes on: unheard, the error
 * would end it, and at its exit the flush would be tried again for ever.
 */
function openDestination(): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: 1, sync: false });
  destination.on('error', () => {
    destination.flushSync = () => undefined;
  });
  return destination;
}
