/** The switch between the panel's languages, named in the one that it leads to. */
import { language } from '../state/preferences.ts';
import { Button } from './button.tsx';

export function LanguageButton() {
  const next = language.value === 'zh' ? 'en' : 'zh';
  return (
    <Button
      onClick={() => {
        language.value = next;
      }}
    >
      <span lang={next === 'zh' ? 'zh-CN' : 'en'}>{next === 'zh' ? '中文' : 'English'}</span>
    </Button>
  );
}
