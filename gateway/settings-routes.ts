/** `GET /admin/api/settings`: the configuration in force and where it comes from. Of secrets only whether they are set. */
import type { SettingEntry, SettingSource, SettingsAnswer } from '../shared/admin-panel.ts';
import type { Config } from '../shared/config.ts';
import { settings } from '../shared/settings.ts';
import { replyAdmin } from './admin-plane.ts';
import type { Route } from './route-table.ts';

/** To stand behind the check of the session. */
export function settingsRoute(config: Config, sources: ReadonlyMap<string, SettingSource>): Route {
  return {
    path: '/admin/api/settings',
    methods: { GET: ({ down }) => replyAdmin(down, settingsAnswer(config, sources)) },
  };
}

/** The answer, made anew at each call: it is asked for rarely. */
export function settingsAnswer(config: Config, sources: ReadonlyMap<string, SettingSource>): SettingsAnswer {
  const values = new Map<string, unknown>(Object.entries(config));
  return {
    settings: Object.entries(settings).map(([name, setting]): SettingEntry => {
      const isSecret = 'isSecret' in setting;
      const value = values.get(name);
      return {
        name,
        env: setting.env,
        value: isSecret ? (isSet(value) ? 'set' : 'not set') : display(value),
        source: sources.get(setting.env) ?? 'default',
        description: setting.about,
        secret: isSecret,
      };
    }),
    aliases: [...config.modelAliases].map(([name, model]) => ({ name, model })),
    fallbacks: [...config.modelFallbacks].map(([model, fallbacks]) => ({ model, fallbacks: [...fallbacks] })),
  };
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined;
}

/** A value as an operator would write it. */
function display(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(display).join(', ');
  if (value instanceof Map) return [...value].map(([key, of]) => `${display(key)} → ${display(of)}`).join(', ');
  if (typeof value === 'object') return Object.values(value).map(display).join(':');
  return String(value);
}
