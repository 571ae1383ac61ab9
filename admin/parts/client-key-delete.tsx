/** Deleting a client key: one that was never used goes at once, a used one after it was confirmed. Its history stays. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ClientKeyEntry } from '../../shared/admin-client-keys.ts';
import { remove } from '../state/api.ts';
import { whole } from '../text/format.ts';
import { t } from '../text/text.ts';
import { Confirm } from './dialog.tsx';
import { say, sayError } from './notice.tsx';

export function DeleteClientKey({
  entry,
  onClose,
  onDeleted,
}: {
  entry: ClientKeyEntry;
  onClose: () => void;
  onDeleted: () => void;
}) {
  const isBusy = useSignal(false);
  const isUsed = entry.total_requests > 0;
  const run = async (): Promise<void> => {
    isBusy.value = true;
    try {
      await remove(`/api-keys/${encodeURIComponent(entry.id)}`);
      say(t('deleted', { name: entry.key_name }));
      onDeleted();
    } catch (error) {
      sayError(error);
    }
    onClose();
  };
  useEffect(() => {
    if (!isUsed) void run();
  }, []);
  if (!isUsed) return null;
  return (
    <Confirm
      title={t('deleteKey')}
      action={t('delete')}
      isBusy={isBusy.value}
      onConfirm={() => void run()}
      onClose={onClose}
    >
      <p>{t('deleteKeyHint', { name: entry.key_name, n: whole(entry.total_requests) })}</p>
    </Confirm>
  );
}
