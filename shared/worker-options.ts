/** What a worker thread needs of the configuration, handed to it with its port. */
import type { LogLevel } from './log.ts';

export interface WorkerOptions {
  /** Google's address, without a slash at its end. */
  geminiBaseUrl: string;
  connectTimeoutMs: number;
  firstByteTimeoutMs: number;
  idleTimeoutMs: number;
  logLevel: LogLevel;
  modelAliases: ReadonlyMap<string, string>;
  modelFallbacks: ReadonlyMap<string, readonly string[]>;
  strictParameters: boolean;
  emptyAnswers: 'retry' | 'pass' | 'error';
  remoteMedia: 'gemini' | 'fetch' | 'refuse';
  googleMayStore: boolean;
  resumeStreams: boolean;
  keyAffinity: 'off' | 'cache_key' | 'conversation';
}
