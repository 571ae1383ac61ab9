/** Goes through a long list page by page; nothing where all is on one. */
import { whole } from '../text/format.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';

interface PagerProps {
  /** The page that is shown, counted from 0. */
  page: number;
  pageSize: number;
  rows: number;
  onPage: (page: number) => void;
}

export function Pager({ page, pageSize, rows, onPage }: PagerProps) {
  if (rows <= pageSize) return null;
  const from = page * pageSize;
  return (
    <nav class="pager" aria-label={t('pages')}>
      <Button disabled={page === 0} onClick={() => onPage(page - 1)}>
        {t('previous')}
      </Button>
      <span>
        {t('rowsOf', { from: whole(from + 1), to: whole(Math.min(from + pageSize, rows)), all: whole(rows) })}
      </span>
      <Button disabled={from + pageSize >= rows} onClick={() => onPage(page + 1)}>
        {t('next')}
      </Button>
    </nav>
  );
}
