/**
 * The writer's lines to the gateway: a pipe for rows, one for their acks, and the channel of a forked process for
 * everything else.
 */
import { Socket } from 'node:net';
import type { FromWriter, ToWriter } from '../../shared/messages.ts';
import { ackPipeFd, encodeAck, RowReader, rowPipeFd } from '../../shared/row-pipe.ts';

export interface WriterChannel {
  send(message: FromWriter): void;
  /** Ends this process once all that was sent is on its way. */
  leave(code: number): void;
}

/** What comes to be done; when to leave is told apart. */
export type ChannelMessage = Exclude<ToWriter, { t: 'stop' }>;

interface ChannelEvents {
  onMessage: (message: ChannelMessage) => void;
  /** The gateway wants this process to leave, or is gone. All rows and commands that it had sent were told before. */
  onStop: () => void;
}

/** Opens the lines that the gateway started this process with. */
export function openChannel({ onMessage, onStop }: ChannelEvents): WriterChannel {
  let unsent = 0;
  let leaveWith: number | null = null;
  // An error means that the gateway is gone, which the end of the lines tells.
  const sent = (): void => {
    unsent--;
    if (unsent === 0 && leaveWith !== null) process.exit(leaveWith);
  };

  // Rows and commands end by themselves, in no order that could be relied on: what either has brought comes first.
  let isChannelOver = false;
  let isPipeOver = false;
  const over = (): void => {
    if (isChannelOver && isPipeOver) onStop();
  };
  const channelOver = (): void => {
    isChannelOver = true;
    over();
  };

  const reader = new RowReader((seq, rows) => onMessage({ t: 'rows', seq, rows }));
  const rowPipe = new Socket({ fd: rowPipeFd, readable: true, writable: false });
  rowPipe.on('data', (chunk: Buffer) => reader.feed(chunk));
  rowPipe.on('close', () => {
    isPipeOver = true;
    over();
  });
  const ackPipe = new Socket({ fd: ackPipeFd, readable: false, writable: true });
  for (const pipe of [rowPipe, ackPipe]) pipe.on('error', () => undefined);

  process.on('message', (message: ToWriter) => {
    if (message.t === 'stop') channelOver();
    else onMessage(message);
  });
  process.on('disconnect', channelOver);

  return {
    send: (message) => {
      unsent++;
      if (message.t === 'ack') ackPipe.write(encodeAck(message.seq), sent);
      else if (process.send === undefined) sent();
      else process.send(message, undefined, undefined, sent);
    },
    leave: (code) => {
      if (unsent === 0) process.exit(code);
      leaveWith = code;
    },
  };
}
