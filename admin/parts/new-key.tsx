/** A client key that was just made: the one time that it is shown whole. */
import { t } from '../text/text.ts';
import { Button, CopyButton } from './button.tsx';
import { Dialog } from './dialog.tsx';

export function NewKeyDialog({ name, apiKey, onClose }: { name: string; apiKey: string; onClose: () => void }) {
  return (
    <Dialog title={t('keyMade', { name })} onClose={onClose}>
      <p>{t('shownOnce')}</p>
      <div class="secret">
        <code>{apiKey}</code>
        <CopyButton text={apiKey} />
      </div>
      <p class="hint">{t('useKey')}</p>
      <div class="secret">
        <code>{`base_url = "${location.origin}/v1"`}</code>
        <CopyButton text={`${location.origin}/v1`} />
      </div>
      <footer>
        <Button kind="primary" onClick={onClose}>
          {t('keySaved')}
        </Button>
      </footer>
    </Dialog>
  );
}
