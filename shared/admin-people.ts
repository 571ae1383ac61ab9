/** Sessions, users and the audit log in the admin API: bodies, queries and answers. The panel imports the types alone. */
import Type, { type Static } from 'typebox';

const role = Type.Enum(['admin', 'viewer'], { description: 'admin or viewer' });
const source = Type.Enum(['environment', 'stored']);
const time = Type.String({ description: 'ISO 8601, UTC.' });
const timeOrNull = Type.Union([time, Type.Null()]);
const newPassword = Type.String({ description: 'a password of 12 to 256 characters that is not easy to guess' });

export const loginRequest = Type.Object({
  username: Type.String({ description: 'a string' }),
  password: Type.String({ description: 'a string' }),
});
export type LoginRequest = Static<typeof loginRequest>;

export const loginAnswer = Type.Object({
  token: Type.String({ description: 'For the header Authorization: Bearer <token>.' }),
  username: Type.String(),
  role,
  expires_at: time,
});
export type LoginAnswer = Static<typeof loginAnswer>;

export const verifyAnswer = Type.Object({
  status: Type.Literal('valid'),
  username: Type.String(),
  role,
  source,
  expires_at: time,
});
export type VerifyAnswer = Static<typeof verifyAnswer>;

export const loggedOut = Type.Object({ status: Type.Literal('logged_out') });
export type LoggedOut = Static<typeof loggedOut>;

export const changePasswordRequest = Type.Object({
  current_password: Type.String({ description: 'the present password' }),
  new_password: newPassword,
});
export type ChangePasswordRequest = Static<typeof changePasswordRequest>;

export const passwordChanged = Type.Object({ status: Type.Literal('changed') });
export type PasswordChanged = Static<typeof passwordChanged>;

export const createUserRequest = Type.Object({
  username: Type.String({
    pattern: '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$',
    description: 'a name of 1 to 64 letters, digits and . _ @ + -',
  }),
  password: newPassword,
  role,
});
export type CreateUserRequest = Static<typeof createUserRequest>;

export const updateUserRequest = Type.Object(
  {
    role: Type.Optional(role),
    password: Type.Optional(newPassword),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'a whole number from 1' })),
  },
  { minProperties: 1 },
);
export type UpdateUserRequest = Static<typeof updateUserRequest>;

export const userEntry = Type.Object({
  id: Type.String(),
  username: Type.String(),
  role,
  source,
  created_at: Type.Union([time, Type.Null()], { description: 'Null for the administrator of the environment.' }),
  last_login_at: timeOrNull,
  version: Type.Integer({ description: 'One more with each change.' }),
});
export type UserEntry = Static<typeof userEntry>;

export const userList = Type.Object({ users: Type.Array(userEntry) });
export type UserList = Static<typeof userList>;

const when = Type.Union([Type.String(), Type.Number()], {
  description: 'a time as 2027-01-31T00:00:00Z, or milliseconds since 1970',
});

export const auditQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'a whole number from 1 to 500' })),
  cursor: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$', description: 'the next_cursor of an answer' })),
  actor: Type.Optional(Type.String({ maxLength: 200, description: 'the name of a user' })),
  action: Type.Optional(Type.String({ maxLength: 64, description: 'an action, as update_client_key' })),
  from: Type.Optional(when),
  to: Type.Optional(when),
});
export type AuditQuery = Static<typeof auditQuery>;

const auditValue = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Array(Type.String()), Type.Null()]);

export const auditAnswer = Type.Object({
  entries: Type.Array(
    Type.Object({
      id: Type.String(),
      at: time,
      actor: Type.String({ description: 'Name of the user.' }),
      action: Type.String(),
      subject: Type.String({ description: 'What kind of thing was changed.' }),
      subject_id: Type.String(),
      changes: Type.Array(Type.Object({ field: Type.String(), from: auditValue, to: auditValue })),
      address: Type.String(),
    }),
  ),
  next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null after the oldest entry.' }),
});
export type AuditAnswer = Static<typeof auditAnswer>;
