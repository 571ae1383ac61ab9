/**
 * The life of one request as the gateway sees it: every state, every event, and what each pair leads to, in one table.
 * Pure data: `relay.ts` carries out the effects. A pair that the table leaves out changes nothing, which is what a late
 * message of a worker, a client or a timer deserves.
 */
export type Phase =
  /** At a worker, without a lease; nothing was sent. Also the state between two attempts. */
  | 'leasing'
  /** A lease is held and Gemini is being called; nothing was sent. */
  | 'calling'
  /** The head of a stream was sent, and comments only: another attempt is still possible. */
  | 'pinging'
  /** Content was sent: from here on there is no other attempt. */
  | 'streaming'
  /** As `streaming`, but the client does not keep up and the worker was told to stop reading. */
  | 'paused'
  /** The answer is whole; its end waits until its row is committed. */
  | 'settling'
  /** Over for the client; the worker has been told and owes its last word, the usage. */
  | 'cancelled'
  /** Nothing more will happen. */
  | 'over';

export type LifeEvent =
  | 'leased'
  /** An attempt failed and its lease was returned. */
  | 'attempt_failed'
  /** A stream has been silent for the length of a ping interval. */
  | 'silence'
  /** Chunks came from the worker. */
  | 'content'
  /** The client's socket took less than it was given. */
  | 'blocked'
  /** The client's socket took all that was waiting. */
  | 'unblocked'
  /** The answer is whole. */
  | 'answered'
  /** The worker gave up. */
  | 'failed'
  /** The row is committed, or the grace for that is over. */
  | 'committed'
  | 'client_gone'
  /** The request's time, or the time of a stop, is over. */
  | 'deadline'
  | 'thread_lost'
  /** The worker's last word on a request that was cancelled. */
  | 'worker_quiet';

export type Effect =
  | 'send_content'
  | 'send_ping'
  | 'pause_worker'
  | 'resume_worker'
  | 'cancel_worker'
  /** Hand the job to another worker, from its start. */
  | 'run_again'
  /** An error answer with its status. */
  | 'send_error'
  /** An error event, then the connection is closed without the end of the stream. */
  | 'cut'
  /** Hand the row to the writer. */
  | 'record'
  /** Send the end of the answer. */
  | 'release';

export interface Transition {
  readonly to: Phase;
  readonly effects: readonly Effect[];
}

function go(to: Phase, ...effects: Effect[]): Transition {
  return { to, effects };
}

const beforeHead = {
  silence: go('pinging', 'send_ping'),
  content: go('streaming', 'send_content'),
  answered: go('settling', 'record'),
  failed: go('over', 'send_error', 'record'),
  client_gone: go('cancelled', 'cancel_worker'),
  deadline: go('cancelled', 'send_error', 'cancel_worker'),
  thread_lost: go('leasing', 'run_again'),
} as const;

const afterContent = {
  answered: go('settling', 'record'),
  failed: go('over', 'cut', 'record'),
  client_gone: go('cancelled', 'cancel_worker'),
  deadline: go('cancelled', 'cut', 'cancel_worker'),
  thread_lost: go('over', 'cut', 'record'),
} as const;

export const lifecycle: Readonly<Record<Phase, Readonly<Partial<Record<LifeEvent, Transition>>>>> = {
  leasing: { ...beforeHead, leased: go('calling') },
  calling: { ...beforeHead, attempt_failed: go('leasing') },
  pinging: {
    silence: go('pinging', 'send_ping'),
    content: go('streaming', 'send_content'),
    answered: go('settling', 'record'),
    failed: go('over', 'cut', 'record'),
    client_gone: go('cancelled', 'cancel_worker'),
    deadline: go('cancelled', 'cut', 'cancel_worker'),
    thread_lost: go('pinging', 'run_again'),
  },
  streaming: {
    ...afterContent,
    silence: go('streaming', 'send_ping'),
    content: go('streaming', 'send_content'),
    blocked: go('paused', 'pause_worker'),
  },
  paused: {
    ...afterContent,
    content: go('paused', 'send_content'),
    unblocked: go('streaming', 'resume_worker'),
  },
  settling: {
    committed: go('over', 'release'),
    client_gone: go('over'),
  },
  cancelled: {
    answered: go('over', 'record'),
    failed: go('over', 'record'),
    thread_lost: go('over', 'record'),
    worker_quiet: go('over', 'record'),
  },
  over: {},
};
