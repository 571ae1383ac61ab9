/** The login. After a session that expired it says so, and the login leads back to where it was. */
import { useSignal } from '@preact/signals';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { LanguageButton } from '../parts/language.tsx';
import { explain } from '../parts/notice.tsx';
import { get, post } from '../state/api.ts';
import { begin, loginNotice, type Session, session } from '../state/session.ts';
import { t } from '../text/text.ts';

interface LoginAnswer {
  token: string;
  role?: Session['role'];
  expires_at?: string;
}

interface VerifyAnswer {
  source?: Session['source'];
}

export function LoginPage() {
  const username = useSignal('');
  const password = useSignal('');
  const error = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    isBusy.value = true;
    error.value = null;
    try {
      await logIn(username.value.trim(), password.value);
    } catch (failure) {
      error.value = explain(failure);
      password.value = '';
    }
    isBusy.value = false;
  };
  return (
    <main class="login">
      <form class="panel login-form" onSubmit={(event) => void submit(event)}>
        <h1 class="wordmark" data-text="gemini-pool">
          gemini-pool
        </h1>
        <p class="hint">{t('tagline')}</p>
        {loginNotice.value !== null && (
          <p class="notice" role="status">
            {t(loginNotice.value === 'expired' ? 'sessionExpired' : 'loggedOut')}
          </p>
        )}
        <Field
          label={t('username')}
          value={username.value}
          onInput={(value) => {
            username.value = value;
          }}
          autocomplete="username"
          required
          autoFocus
        />
        <Field
          label={t('password')}
          type="password"
          value={password.value}
          onInput={(value) => {
            password.value = value;
          }}
          autocomplete="current-password"
          required
        />
        {error.value !== null && (
          <p class="hint bad" role="alert">
            {error.value}
          </p>
        )}
        <Button kind="primary" type="submit" disabled={isBusy.value}>
          {t(isBusy.value ? 'loggingIn' : 'login')}
        </Button>
        <LanguageButton />
      </form>
    </main>
  );
}

/** Logs in, and asks what kind of user that made us; without an answer to this the login stands all the same. */
async function logIn(username: string, password: string): Promise<void> {
  const { token, role, expires_at } = await post<LoginAnswer>('/auth/login', { username, password });
  begin({ token, username, role: role ?? 'admin', source: 'environment', expiresAt: expires_at ?? null });
  try {
    const { source } = await get<VerifyAnswer>('/auth/verify');
    if (session.value?.token === token && source !== undefined) begin({ ...session.value, source });
  } catch {
    // The account page then takes the user for the environment's.
  }
}
