/** Saves usage as a file for a spreadsheet or a program. */
import { useSignal } from '@preact/signals';
import { withQuery } from '../state/api.ts';
import { download } from '../state/download.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';
import { Field, Select } from './field.tsx';
import { say, sayError } from './notice.tsx';
import { Panel } from './tile.tsx';

const weekMs = 7 * 24 * 3_600_000;

export function UsageExport() {
  const of = useSignal<'rollups' | 'requests'>('rollups');
  const format = useSignal<'csv' | 'json'>('csv');
  const from = useSignal(localDay(Date.now() - weekMs));
  const to = useSignal('');
  const isBusy = useSignal(false);
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    isBusy.value = true;
    try {
      const query = { of: of.value, format: format.value, from: instant(from.value), to: instant(to.value) };
      await download(withQuery('/usage/export', query), `usage-${of.value}.${format.value}`);
      say(t('exported'));
    } catch (error) {
      sayError(error);
    }
    isBusy.value = false;
  };
  return (
    <Panel title={t('exportUsage')}>
      <form class="grid" onSubmit={(event) => void save(event)}>
        <Select
          label={t('what')}
          value={of.value}
          options={[
            ['rollups', t('rollups')],
            ['requests', t('requests')],
          ]}
          onChange={(value) => {
            of.value = value;
          }}
        />
        <Select
          label={t('format')}
          value={format.value}
          options={[
            ['csv', 'CSV'],
            ['json', 'JSON'],
          ]}
          onChange={(value) => {
            format.value = value;
          }}
        />
        <Field
          label={t('from')}
          type="datetime-local"
          value={from.value}
          onInput={(value) => {
            from.value = value;
          }}
        />
        <Field
          label={t('to')}
          type="datetime-local"
          value={to.value}
          hint={t('toHint')}
          onInput={(value) => {
            to.value = value;
          }}
        />
        <Button type="submit" kind="primary" icon="download" disabled={isBusy.value}>
          {t('export')}
        </Button>
      </form>
    </Panel>
  );
}

function instant(local: string): string | null {
  return local === '' ? null : new Date(local).toISOString();
}

function localDay(ms: number): string {
  const date = new Date(ms);
  return `${new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)}T00:00`;
}
