/** The writer's line to the gateway: the channel of a forked process, or the port of a thread that a bench starts. */
import { parentPort } from 'node:worker_threads';
import type { FromWriter, ToWriter } from '../../shared/messages.ts';

export interface WriterChannel {
  send(message: FromWriter): void;
  /** Ends this process or thread once all that was sent is on its way. */
  leave(code: number): void;
}

interface ChannelEvents {
  onMessage: (message: ToWriter) => void;
  /** The other side is gone. */
  onClosed: () => void;
}

/** Opens the channel that this code was started with. */
export function openChannel(events: ChannelEvents): WriterChannel {
  return parentPort === null ? overProcess(events) : overPort(parentPort, events);
}

function overProcess({ onMessage, onClosed }: ChannelEvents): WriterChannel {
  let unsent = 0;
  let leaveWith: number | null = null;
  // An error means that the gateway is gone, which `disconnect` tells.
  const sent = (): void => {
    unsent--;
    if (unsent === 0 && leaveWith !== null) process.exit(leaveWith);
  };
  process.on('message', (message: ToWriter) => onMessage(message));
  process.on('disconnect', onClosed);
  return {
    send: (message) => {
      unsent++;
      if (process.send === undefined) sent();
      else process.send(message, undefined, undefined, sent);
    },
    leave: (code) => {
      if (unsent === 0) process.exit(code);
      leaveWith = code;
    },
  };
}

function overPort(port: NonNullable<typeof parentPort>, { onMessage, onClosed }: ChannelEvents): WriterChannel {
  port.on('message', (message: ToWriter) => onMessage(message));
  port.on('close', onClosed);
  return {
    send: (message) => port.postMessage(message),
    leave: (code) => {
      process.exitCode = code;
      port.off('close', onClosed);
      port.close();
    },
  };
}
