/** Who may use the panel, and what they did. */
import { useSignal } from '@preact/signals';
import type { UserEntry } from '../../shared/admin-people.ts';
import { Audit } from '../parts/audit.tsx';
import { Button } from '../parts/button.tsx';
import { Confirm } from '../parts/dialog.tsx';
import { Failure, Loading, say, sayError } from '../parts/notice.tsx';
import { useCreateKey } from '../parts/shortcuts.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Badge, PageHead, Panel } from '../parts/tile.tsx';
import { UserForm } from '../parts/user-form.tsx';
import { post, remove } from '../state/api.ts';
import { useResource } from '../state/resource.ts';
import { mayChange, session } from '../state/session.ts';
import { ago } from '../text/format.ts';
import { t } from '../text/text.ts';

type Open = { kind: 'new' } | { kind: 'edit' | 'delete'; user: UserEntry } | null;

export function UsersPage() {
  const users = useResource<{ users: UserEntry[] }>('/users', 15_000);
  const open = useSignal<Open>(null);
  const create = (): void => {
    open.value = { kind: 'new' };
  };
  useCreateKey(mayChange.value ? create : null);
  const close = (): void => {
    open.value = null;
  };
  const reload = (): void => void users.reload();
  const act = async (what: Promise<unknown>, done: string): Promise<void> => {
    try {
      await what;
      say(done);
    } catch (error) {
      sayError(error);
    }
    close();
    reload();
  };
  const now = open.value;
  return (
    <>
      <PageHead title={t('page.users')}>
        {mayChange.value && (
          <Button kind="primary" icon="add" onClick={create}>
            {t('newUser')}
          </Button>
        )}
      </PageHead>
      <Panel>
        {users.error.value !== null && <Failure error={users.error.value} onRetry={reload} />}
        {users.data.value === null ? (
          users.error.value === null && <Loading />
        ) : (
          <Table
            label={t('page.users')}
            rows={users.data.value.users}
            keyOf={({ id }) => id}
            sortedBy="name"
            columns={columns(
              (user) => {
                open.value = { kind: 'edit', user };
              },
              (user) => {
                open.value = { kind: 'delete', user };
              },
              (user) =>
                void act(
                  post(`/users/${encodeURIComponent(user.id)}/logout`),
                  t('userLoggedOut', { name: user.username }),
                ),
            )}
          />
        )}
      </Panel>
      <Audit />
      {now?.kind === 'new' && <UserForm onSaved={reload} onClose={close} />}
      {now?.kind === 'edit' && <UserForm user={now.user} onSaved={reload} onClose={close} />}
      {now?.kind === 'delete' && (
        <Confirm
          title={t('deleteUser')}
          action={t('delete')}
          onConfirm={() =>
            void act(remove(`/users/${encodeURIComponent(now.user.id)}`), t('deleted', { name: now.user.username }))
          }
          onClose={close}
        >
          <p>{t('deleteUserHint', { name: now.user.username })}</p>
        </Confirm>
      )}
    </>
  );
}

function columns(
  onEdit: (user: UserEntry) => void,
  onDelete: (user: UserEntry) => void,
  onLogOut: (user: UserEntry) => void,
): Column<UserEntry>[] {
  const all: Column<UserEntry>[] = [
    {
      key: 'name',
      label: t('username'),
      isHead: true,
      sort: ({ username }) => username,
      cell: ({ username }) => (
        <>
          <bdi>{username}</bdi>
          {username === session.value?.username && <small>{t('you')}</small>}
        </>
      ),
    },
    {
      key: 'role',
      label: t('role'),
      sort: ({ role }) => role,
      cell: ({ role }) => (
        <Badge tone={role === 'admin' ? 'info' : 'dim'}>{t(role === 'admin' ? 'roleAdmin' : 'roleViewer')}</Badge>
      ),
    },
    { key: 'source', label: t('source'), cell: ({ source }) => t(`source.${source}`) },
    { key: 'created', label: t('created'), cell: ({ created_at }) => (created_at === null ? '–' : ago(created_at)) },
    { key: 'login', label: t('lastLogin'), cell: ({ last_login_at }) => ago(last_login_at) },
  ];
  if (!mayChange.value) return all;
  return [
    ...all,
    {
      key: 'actions',
      label: t('actions'),
      isActions: true,
      cell: (user) => (
        <>
          <Button onClick={() => onLogOut(user)}>{t('logOut')}</Button>
          {user.source === 'stored' && (
            <>
              <Button icon="edit" label={`${t('edit')} ${user.username}`} onClick={() => onEdit(user)} />
              <Button icon="trash" label={t('deleteNamed', { name: user.username })} onClick={() => onDelete(user)} />
            </>
          )}
        </>
      ),
    },
  ];
}
