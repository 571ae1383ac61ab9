/** Which component shows a page. */
import { type Page, place } from '../state/router.ts';
import { AccountPage } from './account.tsx';
import { ClientKeyPage } from './client-key.tsx';
import { ClientKeysPage } from './client-keys.tsx';
import { DashboardPage } from './dashboard.tsx';
import { GeminiKeysPage } from './gemini-keys.tsx';
import { PlaygroundPage } from './playground.tsx';
import { RequestsPage } from './requests.tsx';
import { SettingsPage } from './settings.tsx';
import { UsersPage } from './users.tsx';

export function PageFor({ page }: { page: Page }) {
  const { id } = place.value;
  switch (page) {
    case 'dashboard':
      return <DashboardPage />;
    case 'client-keys':
      return id === '' ? <ClientKeysPage /> : <ClientKeyPage key={id} id={id} />;
    case 'gemini-keys':
      return <GeminiKeysPage />;
    case 'requests':
      return <RequestsPage />;
    case 'playground':
      return <PlaygroundPage />;
    case 'settings':
      return <SettingsPage />;
    case 'users':
      return <UsersPage />;
    case 'account':
      return <AccountPage />;
  }
}
