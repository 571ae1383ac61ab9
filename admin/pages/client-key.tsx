/** One client key: what it may, what it used, and its last requests. */
import { useSignal } from '@preact/signals';
import type { ClientKeyEntry } from '../../shared/admin-client-keys.ts';
import type { RequestList, SummaryAnswer } from '../../shared/admin-usage.ts';
import { Button, Switch } from '../parts/button.tsx';
import { Bars } from '../parts/chart.tsx';
import { DeleteClientKey } from '../parts/client-key-delete.tsx';
import { ClientKeyForm } from '../parts/client-key-form.tsx';
import { KeyState, LimitMeters } from '../parts/client-key-state.tsx';
import { Empty, Failure, Loading, sayError } from '../parts/notice.tsx';
import { RequestTable } from '../parts/request-table.tsx';
import { PageHead, Panel, Tile } from '../parts/tile.tsx';
import { RangePicker, UsageCharts } from '../parts/usage-charts.tsx';
import { put, withQuery } from '../state/api.ts';
import { useResource } from '../state/resource.ts';
import { go, href } from '../state/router.ts';
import { mayChange } from '../state/session.ts';
import { rangeQuery, useRenewal } from '../state/usage-range.ts';
import { ago, dateTime, duration, money, percent, short, tokensOf, whole } from '../text/format.ts';
import { t } from '../text/text.ts';

export function ClientKeyPage({ id }: { id: string }) {
  useRenewal();
  const key = useResource<ClientKeyEntry>(`/api-keys/${encodeURIComponent(id)}`, 5_000);
  const entry = key.data.value;
  if (entry === null)
    return (
      <>
        <PageHead title={t('clientKey')} />
        {key.error.value === null ? <Loading /> : <Failure error={key.error.value} onRetry={() => void key.reload()} />}
        <a href={href('client-keys')}>{t('toClientKeys')}</a>
      </>
    );
  return (
    <>
      <Head entry={entry} onChanged={() => void key.reload()} />
      <div class="columns">
        <About entry={entry} />
        <Panel title={t('limits')}>
          <LimitMeters entry={entry} />
        </Panel>
      </div>
      <div class="sub-head">
        <h2>{t('usage')}</h2>
        <RangePicker />
      </div>
      <Usage id={id} />
      <UsageCharts clientKey={id} />
      <Panel title={t('lastRequests')} actions={<a href={href('requests', '', { client_key: id })}>{t('showAll')}</a>}>
        <LastRequests id={id} />
      </Panel>
    </>
  );
}

function Head({ entry, onChanged }: { entry: ClientKeyEntry; onChanged: () => void }) {
  const open = useSignal<'edit' | 'delete' | null>(null);
  const close = (): void => {
    open.value = null;
  };
  const toggle = async (is_active: boolean): Promise<void> => {
    try {
      await put(`/api-keys/${encodeURIComponent(entry.id)}`, { is_active });
    } catch (error) {
      sayError(error);
    }
    onChanged();
  };
  return (
    <>
      <PageHead title={entry.key_name}>
        <KeyState entry={entry} />
        {mayChange.value && (
          <>
            <Switch
              label={t('activeNamed', { name: entry.key_name })}
              isOn={entry.is_active}
              onChange={(isOn) => void toggle(isOn)}
            />
            <Button
              icon="edit"
              onClick={() => {
                open.value = 'edit';
              }}
            >
              {t('edit')}
            </Button>
            <Button
              icon="trash"
              kind="danger"
              onClick={() => {
                open.value = 'delete';
              }}
            >
              {t('delete')}
            </Button>
          </>
        )}
      </PageHead>
      {open.value === 'edit' && <ClientKeyForm entry={entry} onClose={close} onChanged={onChanged} />}
      {open.value === 'delete' && <DeleteClientKey entry={entry} onClose={close} onDeleted={() => go('client-keys')} />}
    </>
  );
}

function About({ entry }: { entry: ClientKeyEntry }) {
  const rows: [label: string, value: string][] = [
    [t('key'), entry.api_key],
    [t('note'), entry.note || '–'],
    [t('created'), dateTime(entry.created_at)],
    [t('lastUsed'), ago(entry.last_used_at)],
    [t('expires'), entry.expires_at ? `${dateTime(entry.expires_at)} (${ago(entry.expires_at)})` : t('never')],
    [t('allowedModels'), entry.allowed_models?.join(', ') || t('allModels')],
    [t('totalRequests'), whole(entry.total_requests)],
    [t('totalTokens'), whole(entry.total_input_tokens + entry.total_output_tokens)],
  ];
  return (
    <Panel title={t('about')}>
      <dl class="facts">
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function Usage({ id }: { id: string }) {
  const { data } = useResource<SummaryAnswer>(withQuery('/usage/summary', { ...rangeQuery(), client_key: id }));
  const summary = data.value;
  if (summary === null) return null;
  const { totals, models, errors } = summary;
  const ended = totals.completed + totals.failed;
  return (
    <>
      <div class="tiles">
        <Tile label={t('requests')} value={short(totals.requests)} />
        <Tile label={t('successRate')} value={percent(ended === 0 ? null : totals.completed / ended)} />
        <Tile label={t('tokens')} value={short(tokensOf(totals))} tone="cyan" />
        <Tile
          label={t('latency')}
          value={duration(totals.duration_ms?.p50)}
          detail={`p95 ${duration(totals.duration_ms?.p95)}`}
          tone="cyan"
        />
        <Tile label={t('cost')} value={money(totals.cost)} tone="magenta" />
      </div>
      <div class="columns">
        <Panel title={t('models')}>
          {models.length === 0 ? (
            <Empty title={t('noTraffic')} />
          ) : (
            <Bars
              format={short}
              rows={models
                .map((one) => ({ key: one.model, label: one.model || t('noModel'), value: tokensOf(one) }))
                .sort((a, b) => b.value - a.value)}
            />
          )}
        </Panel>
        <Panel title={t('errorsByReason')}>
          {errors.length === 0 ? (
            <Empty title={t('noErrors')} />
          ) : (
            <Bars
              format={whole}
              color="#ff7a5c"
              rows={errors.map(({ error_code, status, requests }) => ({
                key: `${error_code} ${status}`,
                label: `${error_code} (${status})`,
                value: requests,
                href: href('requests', '', { client_key: id, error_code }),
              }))}
            />
          )}
        </Panel>
      </div>
    </>
  );
}

function LastRequests({ id }: { id: string }) {
  const { data, error, reload } = useResource<RequestList>(
    withQuery('/requests', { client_key: id, limit: 10 }),
    10_000,
  );
  if (error.value !== null) return <Failure error={error.value} onRetry={() => void reload()} />;
  if (data.value === null) return <Loading />;
  if (data.value.requests.length === 0) return <Empty title={t('noTraffic')}>{t('noTrafficHint')}</Empty>;
  return <RequestTable rows={data.value.requests} isOfOneKey />;
}
