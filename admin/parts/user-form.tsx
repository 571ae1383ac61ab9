/** The form of a user of the panel, to make one or to change role and password. */
import { useSignal } from '@preact/signals';
import type { UserEntry } from '../../shared/admin-people.ts';
import { post, put } from '../state/api.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field, FormFooter, Select } from './field.tsx';
import { explain, say } from './notice.tsx';

export function UserForm({ user, onSaved, onClose }: { user?: UserEntry; onSaved: () => void; onClose: () => void }) {
  const username = useSignal(user?.username ?? '');
  const password = useSignal('');
  const role = useSignal<UserEntry['role']>(user?.role ?? 'viewer');
  const error = useSignal<unknown>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      if (user === undefined)
        await post('/users', { username: username.value.trim(), password: password.value, role: role.value });
      else
        await put(`/users/${encodeURIComponent(user.id)}`, {
          role: role.value,
          version: user.version,
          ...(password.value === '' ? {} : { password: password.value }),
        });
      say(t('saved'));
      onSaved();
      onClose();
    } catch (failure) {
      error.value = failure;
    }
  };
  return (
    <Dialog title={user === undefined ? t('newUser') : user.username} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {user === undefined && (
          <Field
            label={t('username')}
            value={username.value}
            required
            autoFocus
            autocomplete="off"
            onInput={(value) => {
              username.value = value;
            }}
          />
        )}
        <Select
          label={t('role')}
          value={role.value}
          options={[
            ['viewer', t('roleViewer')],
            ['admin', t('roleAdmin')],
          ]}
          onChange={(value) => {
            role.value = value;
          }}
        />
        <p class="hint">{t(role.value === 'viewer' ? 'viewerHint' : 'adminHint')}</p>
        <Field
          label={t(user === undefined ? 'password' : 'newPassword')}
          type="password"
          value={password.value}
          required={user === undefined}
          autocomplete="new-password"
          hint={user === undefined ? t('passwordHint') : t('passwordKeepHint')}
          onInput={(value) => {
            password.value = value;
          }}
        />
        {error.value !== null && (
          <p class="hint bad" role="alert">
            {explain(error.value)}
          </p>
        )}
        <FormFooter>
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="primary" type="submit">
            {t('save')}
          </Button>
        </FormFooter>
      </form>
    </Dialog>
  );
}
