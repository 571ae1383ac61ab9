/** A table that sorts and pages, and becomes a list of cards where there is no room for columns. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Pager } from './pager.tsx';

export interface Column<T> {
  /** Unique in the table, and what it sorts by. */
  key: string;
  label: string;
  cell: (row: T) => ComponentChildren;
  /** What to sort by; without it the column does not sort. */
  sort?: (row: T) => string | number;
  isNumber?: boolean;
  /** Where the row is named: the head of its card. */
  isHead?: boolean;
  /** Left out where there is no room for columns. */
  isDetail?: boolean;
  /** Controls, at the end of the row. */
  isActions?: boolean;
}

export interface TableProps<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  /** Key of the column that sorts at first, with `-` before it for descending order. */
  sortedBy?: string;
  pageSize?: number;
  onOpen?: (row: T) => void;
}

export function Table<T>({ label, rows, columns, keyOf, sortedBy = '', pageSize = 50, onOpen }: TableProps<T>) {
  const order = useSignal(sortedBy);
  const page = useSignal(0);
  const sorted = sortRows(rows, columns, order.value);
  const pages = Math.max(1, Math.ceil(sorted.length / pageSize));
  const shown = Math.min(page.value, pages - 1);
  const from = shown * pageSize;
  return (
    <>
      <div class="table-box">
        <table aria-label={label}>
          <thead>
            <tr>
              {columns.map((column) => (
                <HeadCell
                  key={column.key}
                  column={column}
                  order={order.value}
                  onSort={(next) => {
                    order.value = next;
                    page.value = 0;
                  }}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.slice(from, from + pageSize).map((row) => (
              <Row key={keyOf(row)} row={row} columns={columns} {...(onOpen === undefined ? {} : { onOpen })} />
            ))}
          </tbody>
        </table>
      </div>
      <Pager
        page={shown}
        pageSize={pageSize}
        rows={sorted.length}
        onPage={(next) => {
          page.value = next;
        }}
      />
    </>
  );
}

function HeadCell<T>({ column, order, onSort }: { column: Column<T>; order: string; onSort: (order: string) => void }) {
  const { key, label, sort, isNumber, isActions } = column;
  const direction = order === key ? 'ascending' : order === `-${key}` ? 'descending' : undefined;
  return (
    <th scope="col" class={isNumber ? 'number' : undefined} aria-sort={direction}>
      {sort === undefined ? (
        <span class={isActions ? 'unseen' : undefined}>{label}</span>
      ) : (
        <button
          type="button"
          onClick={() => onSort(direction === 'ascending' || (direction === undefined && isNumber) ? `-${key}` : key)}
        >
          {label}
          <span aria-hidden="true">{direction === undefined ? '' : direction === 'ascending' ? ' ▲' : ' ▼'}</span>
        </button>
      )}
    </th>
  );
}

function Row<T>({ row, columns, onOpen }: { row: T; columns: readonly Column<T>[]; onOpen?: (row: T) => void }) {
  // The keyboard opens a row by the link or button in its head; the rest of the row is a larger target for the mouse.
  const open = (event: MouseEvent): void => {
    if (event.target instanceof Element && event.target.closest('a, button, input, select') !== null) return;
    if (getSelection()?.toString()) return;
    onOpen?.(row);
  };
  return (
    <tr class={onOpen === undefined ? undefined : 'opens'} onClick={onOpen === undefined ? undefined : open}>
      {columns.map(({ key, label, cell, isNumber, isHead, isDetail, isActions }) => (
        <td
          key={key}
          data-label={label}
          class={
            [isNumber && 'number', isHead && 'head', isDetail && 'detail', isActions && 'actions']
              .filter(Boolean)
              .join(' ') || undefined
          }
        >
          <div>{cell(row)}</div>
        </td>
      ))}
    </tr>
  );
}

function sortRows<T>(rows: readonly T[], columns: readonly Column<T>[], order: string): readonly T[] {
  const isDescending = order.startsWith('-');
  const by = columns.find(({ key }) => key === order.replace(/^-/, ''))?.sort;
  if (by === undefined) return rows;
  const sign = isDescending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: by(row) }))
    .sort(
      (a, b) =>
        sign *
        (typeof a.value === 'number' && typeof b.value === 'number'
          ? a.value - b.value
          : String(a.value).localeCompare(String(b.value), undefined, { numeric: true, sensitivity: 'base' })),
    )
    .map(({ row }) => row);
}
