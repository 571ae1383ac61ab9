/** How the panel looks, what the gateway is configured with, prices, and the export of usage. */
import type { SettingEntry, SettingsAnswer } from '../../shared/admin-panel.ts';
import { Switch } from '../parts/button.tsx';
import { Segments } from '../parts/field.tsx';
import { Empty, Failure, Loading } from '../parts/notice.tsx';
import { Prices } from '../parts/prices.tsx';
import { Table } from '../parts/table.tsx';
import { Badge, PageHead, Panel } from '../parts/tile.tsx';
import { UsageExport } from '../parts/usage-export.tsx';
import { intensity, type Language, language, motion, scanlines } from '../state/preferences.ts';
import { useResource } from '../state/resource.ts';
import { settingText, t } from '../text/text.ts';

export function SettingsPage() {
  const { data, error, reload } = useResource<SettingsAnswer>('/settings');
  return (
    <>
      <PageHead title={t('page.settings')} />
      <div class="columns">
        <Appearance />
        <UsageExport />
      </div>
      <Prices />
      {error.value !== null && <Failure error={error.value} onRetry={() => void reload()} />}
      {data.value === null ? error.value === null && <Loading /> : <Configuration answer={data.value} />}
    </>
  );
}

function Appearance() {
  const languages: [Language, string][] = [
    ['en', 'English'],
    ['zh', '中文'],
  ];
  return (
    <Panel title={t('appearance')}>
      <div class="row">
        <span>{t('language')}</span>
        <Segments
          label={t('language')}
          value={language.value}
          options={languages}
          onChange={(value) => {
            language.value = value;
          }}
        />
      </div>
      <div class="row">
        <span>{t('rain')}</span>
        <Segments
          label={t('rain')}
          value={String(intensity.value)}
          options={[
            ['0', t('rain.0')],
            ['1', t('rain.1')],
            ['2', t('rain.2')],
            ['3', t('rain.3')],
          ]}
          onChange={(value) => {
            intensity.value = Number(value);
          }}
        />
      </div>
      <div class="row">
        <span>{t('motion')}</span>
        <Switch
          label={t('motion')}
          isOn={motion.value}
          onChange={(isOn) => {
            motion.value = isOn;
          }}
        />
      </div>
      <div class="row">
        <span>{t('scanlines')}</span>
        <Switch
          label={t('scanlines')}
          isOn={scanlines.value}
          onChange={(isOn) => {
            scanlines.value = isOn;
          }}
        />
      </div>
      <p class="hint">{t('motionHint')}</p>
    </Panel>
  );
}

function Configuration({ answer }: { answer: SettingsAnswer }) {
  return (
    <>
      <div class="columns">
        <Panel title={t('aliases')}>
          {answer.aliases.length === 0 ? (
            <Empty title={t('noAliases')}>{t('noAliasesHint')}</Empty>
          ) : (
            <Pairs rows={answer.aliases.map(({ name, model }) => [name, model])} />
          )}
        </Panel>
        <Panel title={t('fallbacks')}>
          {answer.fallbacks.length === 0 ? (
            <Empty title={t('noFallbacks')}>{t('noFallbacksHint')}</Empty>
          ) : (
            <Pairs rows={answer.fallbacks.map(({ model, fallbacks }) => [model, fallbacks.join(' → ')])} />
          )}
        </Panel>
      </div>
      <Panel title={t('configuration')}>
        <p class="hint">{t('configurationHint')}</p>
        <Table<SettingEntry>
          label={t('configuration')}
          rows={answer.settings}
          keyOf={({ env }) => env}
          columns={[
            {
              key: 'env',
              label: t('variable'),
              isHead: true,
              sort: ({ env }) => env,
              cell: ({ env, description }) => (
                <>
                  <code>{env}</code>
                  <small>{settingText(env, description)}</small>
                </>
              ),
            },
            {
              key: 'value',
              label: t('value'),
              cell: ({ value, secret }) =>
                secret ? (
                  <Badge tone={value === 'set' ? 'good' : 'dim'}>{t(value === 'set' ? 'isSet' : 'notSet')}</Badge>
                ) : (
                  <code>{value || '–'}</code>
                ),
            },
            {
              key: 'source',
              label: t('source'),
              sort: ({ source }) => source,
              cell: ({ source }) => <Badge tone={source === 'default' ? 'dim' : 'info'}>{t(`source.${source}`)}</Badge>,
            },
          ]}
        />
      </Panel>
    </>
  );
}

function Pairs({ rows }: { rows: readonly (readonly [string, string])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>→ {value}</dd>
        </div>
      ))}
    </dl>
  );
}
