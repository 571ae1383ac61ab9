/** What each operation of the admin API takes and answers, by method and path: from it the OpenAPI document is made. */
import type { TObject, TSchema } from 'typebox';
import {
  clientKeyEntry,
  clientKeyList,
  createClientKeyRequest,
  listClientKeysQuery,
  updateClientKeyRequest,
} from '../../shared/admin-client-keys.ts';
import {
  addGeminiKeyRequest,
  addGeminiKeysRequest,
  geminiKeyEntry,
  geminiKeyList,
  geminiKeysAdded,
  geminiKeyTested,
  updateGeminiKeyRequest,
} from '../../shared/admin-gemini-keys.ts';
import { settingsAnswer } from '../../shared/admin-panel.ts';
import {
  auditAnswer,
  auditQuery,
  changePasswordRequest,
  createUserRequest,
  loggedOut,
  loginAnswer,
  loginRequest,
  passwordChanged,
  updateUserRequest,
  userEntry,
  userList,
  verifyAnswer,
} from '../../shared/admin-people.ts';
import {
  createPriceRequest,
  exportQuery,
  priceEntry,
  priceList,
  requestEntry,
  requestList,
  requestsQuery,
  seriesAnswer,
  seriesQuery,
  summaryAnswer,
  summaryQuery,
  updatePriceRequest,
} from '../../shared/admin-usage.ts';
import { dashboardAnswer, deleted, keyCreated } from '../../shared/admin-wire.ts';
import type { Method } from '../call.ts';

export interface Operation {
  tag: 'Sessions' | 'Users' | 'Client keys' | 'Gemini keys' | 'Usage' | 'Prices' | 'Gateway';
  summary: string;
  query?: TObject;
  body?: TObject;
  /** What it answers, or what is no such JSON. */
  answer?: TSchema;
  file?: { types: readonly string[]; description: string };
  /** Needs no session. */
  isOpen?: true;
  /** Refused with 409 and the present state when the body's `version` is not the present one. */
  isVersioned?: true;
}

export type OperationName = `${Method} ${string}`;

const sessions = {
  'POST /admin/api/auth/login': {
    tag: 'Sessions',
    summary: 'Log in; the token is good for twelve hours.',
    body: loginRequest,
    answer: loginAnswer,
    isOpen: true,
  },
  'GET /admin/api/auth/verify': { tag: 'Sessions', summary: 'Whose session this is.', answer: verifyAnswer },
  'POST /admin/api/auth/logout': { tag: 'Sessions', summary: 'End this session.', answer: loggedOut },
  'POST /admin/api/auth/logout-everywhere': {
    tag: 'Sessions',
    summary: 'End all sessions of this user.',
    answer: loggedOut,
  },
  'POST /admin/api/auth/password': {
    tag: 'Sessions',
    summary: 'Change the own password, which ends all sessions of this user.',
    body: changePasswordRequest,
    answer: passwordChanged,
  },
} as const satisfies Record<OperationName, Operation>;

const people = {
  'GET /admin/api/users': { tag: 'Users', summary: 'All users.', answer: userList },
  'POST /admin/api/users': { tag: 'Users', summary: 'Make a user.', body: createUserRequest, answer: userEntry },
  'PUT /admin/api/users/{id}': {
    tag: 'Users',
    summary: 'Set the role or the password of a user, which ends the sessions of that user.',
    body: updateUserRequest,
    answer: userEntry,
    isVersioned: true,
  },
  'DELETE /admin/api/users/{id}': { tag: 'Users', summary: 'Delete a user.', answer: deleted },
  'POST /admin/api/users/{id}/logout': { tag: 'Users', summary: 'End all sessions of a user.', answer: loggedOut },
  'GET /admin/api/audit': {
    tag: 'Users',
    summary: 'Who changed what, newest first.',
    query: auditQuery,
    answer: auditAnswer,
  },
} as const satisfies Record<OperationName, Operation>;

const clientKeys = {
  'GET /admin/api/api-keys': {
    tag: 'Client keys',
    summary: 'Client keys with their limits and what they have used of them.',
    query: listClientKeysQuery,
    answer: clientKeyList,
  },
  'POST /admin/api/api-keys': {
    tag: 'Client keys',
    summary: 'Make a client key; the answer shows it whole, once.',
    body: createClientKeyRequest,
    answer: keyCreated,
  },
  'GET /admin/api/api-keys/{id}': { tag: 'Client keys', summary: 'One client key.', answer: clientKeyEntry },
  'PUT /admin/api/api-keys/{id}': {
    tag: 'Client keys',
    summary: 'Change what the body names of a client key.',
    body: updateClientKeyRequest,
    answer: clientKeyEntry,
    isVersioned: true,
  },
  'DELETE /admin/api/api-keys/{id}': {
    tag: 'Client keys',
    summary: 'Delete a client key; what it used stays in the history.',
    answer: deleted,
  },
} as const satisfies Record<OperationName, Operation>;

const geminiKeys = {
  'GET /admin/api/gemini-keys': {
    tag: 'Gemini keys',
    summary: 'Gemini keys and how they fare.',
    answer: geminiKeyList,
  },
  'POST /admin/api/gemini-keys': {
    tag: 'Gemini keys',
    summary: 'Add a Gemini key.',
    body: addGeminiKeyRequest,
    answer: keyCreated,
  },
  'POST /admin/api/gemini-keys/bulk': {
    tag: 'Gemini keys',
    summary: 'Add every Gemini key in a text.',
    body: addGeminiKeysRequest,
    answer: geminiKeysAdded,
  },
  'GET /admin/api/gemini-keys/export': {
    tag: 'Gemini keys',
    summary: 'The stored Gemini keys, whole, one a line; not for viewers.',
    file: { types: ['text/plain'], description: 'One key a line.' },
  },
  'GET /admin/api/gemini-keys/{id}': { tag: 'Gemini keys', summary: 'One Gemini key.', answer: geminiKeyEntry },
  'PUT /admin/api/gemini-keys/{id}': {
    tag: 'Gemini keys',
    summary: 'Switch a Gemini key on or off, or set its project.',
    body: updateGeminiKeyRequest,
    answer: geminiKeyEntry,
    isVersioned: true,
  },
  'DELETE /admin/api/gemini-keys/{id}': { tag: 'Gemini keys', summary: 'Delete a stored Gemini key.', answer: deleted },
  'POST /admin/api/gemini-keys/{id}/test': {
    tag: 'Gemini keys',
    summary: 'Ask Google whether a Gemini key works; costs no quota.',
    answer: geminiKeyTested,
  },
} as const satisfies Record<OperationName, Operation>;

const usage = {
  'GET /admin/api/dashboard': { tag: 'Usage', summary: 'Totals.', answer: dashboardAnswer },
  'GET /admin/api/usage/series': {
    tag: 'Usage',
    summary: 'Usage over time, by model or key.',
    query: seriesQuery,
    answer: seriesAnswer,
  },
  'GET /admin/api/usage/summary': {
    tag: 'Usage',
    summary: 'Usage of a span of time, by model and client key.',
    query: summaryQuery,
    answer: summaryAnswer,
  },
  'GET /admin/api/usage/export': {
    tag: 'Usage',
    summary: 'Requests or sums as a file.',
    query: exportQuery,
    file: { types: ['text/csv', 'application/json'], description: 'A file, streamed.' },
  },
  'GET /admin/api/requests': {
    tag: 'Usage',
    summary: 'Requests, newest first.',
    query: requestsQuery,
    answer: requestList,
  },
  'GET /admin/api/requests/{id}': { tag: 'Usage', summary: 'One request with its attempts.', answer: requestEntry },
} as const satisfies Record<OperationName, Operation>;

const prices = {
  'GET /admin/api/prices': { tag: 'Prices', summary: 'What models cost.', answer: priceList },
  'POST /admin/api/prices': {
    tag: 'Prices',
    summary: 'Set a price from a time on.',
    body: createPriceRequest,
    answer: priceEntry,
  },
  'GET /admin/api/prices/{id}': { tag: 'Prices', summary: 'One price.', answer: priceEntry },
  'PUT /admin/api/prices/{id}': {
    tag: 'Prices',
    summary: "Replace an operator's price.",
    body: updatePriceRequest,
    answer: priceEntry,
    isVersioned: true,
  },
  'DELETE /admin/api/prices/{id}': { tag: 'Prices', summary: "Delete an operator's price.", answer: deleted },
} as const satisfies Record<OperationName, Operation>;

const gateway = {
  'GET /admin/api/settings': { tag: 'Gateway', summary: 'The configuration in force.', answer: settingsAnswer },
  'GET /admin/api/live': {
    tag: 'Gateway',
    summary: 'What the gateway does at the moment, each second, until the session ends.',
    file: { types: ['text/event-stream'], description: 'Events snapshot, requests and session_over.' },
  },
  'GET /admin/api/openapi.json': {
    tag: 'Gateway',
    summary: 'This document.',
    file: { types: ['application/json'], description: 'OpenAPI 3.1.' },
    isOpen: true,
  },
} as const satisfies Record<OperationName, Operation>;

export const adminOperations: Readonly<Record<OperationName, Operation>> = {
  ...sessions,
  ...people,
  ...clientKeys,
  ...geminiKeys,
  ...usage,
  ...prices,
  ...gateway,
};

/** Schemas that the document names; where they stand inside others it refers to them. */
export const namedSchemas: Readonly<Record<string, TSchema>> = {
  ClientKey: clientKeyEntry,
  GeminiKey: geminiKeyEntry,
  User: userEntry,
  Request: requestEntry,
  Price: priceEntry,
};
