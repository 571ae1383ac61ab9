/** The search field of a page; `/` leads to it. */
import { t } from '../text/text.ts';
import { Icon } from './icons.tsx';

export function SearchField({ value, onInput }: { value: string; onInput: (value: string) => void }) {
  return (
    <div class="search">
      <Icon name="search" />
      <input
        type="search"
        aria-label={t('search')}
        placeholder={t('search')}
        value={value}
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            onInput('');
            event.currentTarget.blur();
          }
        }}
      />
      <kbd>/</kbd>
    </div>
  );
}
