/** The user's own account: password, and where they are logged in. */
import { useSignal } from '@preact/signals';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { explain, say, sayError } from '../parts/notice.tsx';
import { PageHead, Panel } from '../parts/tile.tsx';
import { post } from '../state/api.ts';
import { logOut } from '../state/log-out.ts';
import { end, session } from '../state/session.ts';
import { dateTime } from '../text/format.ts';
import { t } from '../text/text.ts';

export function AccountPage() {
  const user = session.value;
  if (user === null) return null;
  return (
    <>
      <PageHead title={t('page.account')} />
      <div class="columns">
        <Panel title={user.username}>
          <dl class="facts">
            <div>
              <dt>{t('role')}</dt>
              <dd>{t(user.role === 'admin' ? 'roleAdmin' : 'roleViewer')}</dd>
            </div>
            <div>
              <dt>{t('source')}</dt>
              <dd>{t(`source.${user.source}`)}</dd>
            </div>
            <div>
              <dt>{t('sessionUntil')}</dt>
              <dd>{dateTime(user.expiresAt)}</dd>
            </div>
          </dl>
          <div class="actions">
            <Button onClick={() => void logOut()}>{t('logOut')}</Button>
            <Button kind="danger" onClick={() => void logOutEverywhere()}>
              {t('logOutEverywhere')}
            </Button>
          </div>
        </Panel>
        <Panel title={t('changePassword')}>
          {user.source === 'stored' ? <PasswordForm username={user.username} /> : <p>{t('passwordOfEnvironment')}</p>}
        </Panel>
      </div>
    </>
  );
}

async function logOutEverywhere(): Promise<void> {
  try {
    await post('/auth/logout-everywhere');
    end('logged_out');
  } catch (error) {
    sayError(error);
  }
}

function PasswordForm({ username }: { username: string }) {
  const current = useSignal('');
  const next = useSignal('');
  const again = useSignal('');
  const error = useSignal<string | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (next.value !== again.value) {
      error.value = t('passwordsDiffer');
      return;
    }
    try {
      await post('/auth/password', { current_password: current.value, new_password: next.value });
      say(t('passwordChanged'));
      error.value = null;
      current.value = '';
      next.value = '';
      again.value = '';
    } catch (failure) {
      error.value = explain(failure);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <input
        class="unseen"
        type="text"
        autocomplete="username"
        value={username}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <Field
        label={t('currentPassword')}
        type="password"
        required
        autocomplete="current-password"
        value={current.value}
        onInput={(value) => {
          current.value = value;
        }}
      />
      <Field
        label={t('newPassword')}
        type="password"
        required
        autocomplete="new-password"
        hint={t('passwordHint')}
        value={next.value}
        onInput={(value) => {
          next.value = value;
        }}
      />
      <Field
        label={t('passwordAgain')}
        type="password"
        required
        autocomplete="new-password"
        value={again.value}
        onInput={(value) => {
          again.value = value;
        }}
      />
      {error.value !== null && (
        <p class="hint bad" role="alert">
          {error.value}
        </p>
      )}
      <Button type="submit" kind="primary">
        {t('changePassword')}
      </Button>
    </form>
  );
}
