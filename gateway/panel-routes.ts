/** The routes of the panel: its pages, which anybody may load, and behind the session what they show of this process. */
import type { SettingSource } from '../shared/admin-panel.ts';
import { behindSession } from './admin-plane.ts';
import type { AdminSessions } from './admin-session.ts';
import type { Gateway } from './gateway.ts';
import { LiveFeed } from './live-feed.ts';
import { panelPages } from './panel-assets.ts';
import type { Route } from './route-table.ts';
import { settingsRoute } from './settings-routes.ts';

/** `sources` says where each setting was found, by the name of its variable. */
export function panelRoutes(
  gateway: Gateway,
  sessions: AdminSessions,
  sources: ReadonlyMap<string, SettingSource>,
): Route[] {
  const feed = new LiveFeed(gateway, sessions);
  return [
    ...panelPages(gateway.log),
    ...behindSession(sessions, gateway.log, [
      { path: '/admin/api/live', methods: { GET: (call) => feed.watch(call) } },
      settingsRoute(gateway.config, sources),
    ]),
  ];
}
