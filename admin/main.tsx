/** The entry of the panel: whoever has a session gets the page that the address names, everybody else the login. */
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { LoginPage } from './pages/login.tsx';
import { PageFor } from './pages/page-for.tsx';
import { Guard, Toasts } from './parts/notice.tsx';
import { Rain } from './parts/rain.tsx';
import { Shell } from './parts/shell.tsx';
import { pages, place } from './state/router.ts';
import { session } from './state/session.ts';
import { maybe, t } from './text/text.ts';
import './styles/base.css';
import './styles/parts.css';
import './styles/shell.css';
import './styles/pages.css';

function Panel() {
  const { page } = place.value;
  const known = pages.find((name) => name === page) ?? 'dashboard';
  const title = session.value === null ? t('login') : maybe('page', known);
  useEffect(() => {
    document.title = `${title} · gemini-pool`;
  }, [title]);
  return (
    <>
      <Rain />
      {session.value === null ? (
        <LoginPage />
      ) : (
        <Shell page={known}>
          <Guard key={known}>
            <PageFor page={known} />
          </Guard>
        </Shell>
      )}
      <Toasts />
    </>
  );
}

const root = document.getElementById('panel');
if (root !== null) render(<Panel />, root);
