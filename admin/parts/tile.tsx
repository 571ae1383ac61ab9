/** One figure with its name, and panels that hold more than a figure. */
import type { ComponentChildren } from 'preact';

export function Tile({
  label,
  value,
  detail,
  children,
  tone = 'green',
}: {
  label: string;
  value: string;
  detail?: ComponentChildren;
  children?: ComponentChildren;
  tone?: 'green' | 'cyan' | 'magenta' | 'amber' | 'red';
}) {
  return (
    <div class={`panel tile ${tone}`}>
      <h3>{label}</h3>
      <p class="figure">{value}</p>
      {detail !== undefined && <p class="detail">{detail}</p>}
      {children}
    </div>
  );
}

export function Panel({
  title,
  actions,
  children,
  class: className = '',
}: {
  title?: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  return (
    <section class={`panel ${className}`}>
      {(title !== undefined || actions !== undefined) && (
        <header class="panel-head">
          {title !== undefined && <h2>{title}</h2>}
          {actions !== undefined && <div class="actions">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** The head of a page: its name, what it is about, and what can be done. */
export function PageHead({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <header class="page-head">
      <h1>{title}</h1>
      <div class="actions">{children}</div>
    </header>
  );
}

export function Badge({
  tone,
  children,
}: {
  tone: 'good' | 'bad' | 'warn' | 'info' | 'dim';
  children: ComponentChildren;
}) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
