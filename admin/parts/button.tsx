/** Buttons, and the two that the panel repeats: to copy a text, and to switch something on or off. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { t } from '../text/text.ts';
import { Icon, type IconName } from './icons.tsx';

export interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  kind?: 'primary' | 'danger' | 'plain';
  /** What it does, for a button that shows an icon alone. */
  label?: string;
  type?: 'button' | 'submit';
  disabled?: boolean;
  isPressed?: boolean;
  onClick?: (event: MouseEvent) => void;
}

export function Button({
  children,
  icon,
  kind = 'plain',
  label,
  type = 'button',
  disabled,
  isPressed,
  onClick,
}: ButtonProps) {
  return (
    <button
      type={type}
      class={`button ${kind}${children === undefined ? ' bare' : ''}`}
      aria-label={label}
      aria-pressed={isPressed}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Copies `text` and says so for a moment. */
export function CopyButton({ text, label = t('copy') }: { text: string; label?: string }) {
  const state = useSignal<'ready' | 'copied' | 'failed'>('ready');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      state.value = 'copied';
    } catch {
      // Without https, or when forbidden, there is no clipboard: the text can be selected by hand.
      state.value = 'failed';
    }
    setTimeout(() => {
      state.value = 'ready';
    }, 2_000);
  };
  return (
    <Button icon={state.value === 'copied' ? 'check' : 'copy'} onClick={() => void copy()}>
      <span aria-live="polite">
        {state.value === 'ready' ? label : t(state.value === 'copied' ? 'copied' : 'copyFailed')}
      </span>
    </Button>
  );
}

export function Switch({
  label,
  isOn,
  disabled,
  onChange,
}: {
  label: string;
  isOn: boolean;
  disabled?: boolean;
  onChange: (isOn: boolean) => void;
}) {
  return (
    <button
      type="button"
      role="switch"
      class="switch"
      aria-checked={isOn}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={() => onChange(!isOn)}
    >
      <span />
    </button>
  );
}
