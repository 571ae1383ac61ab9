/** Fields of forms, each with its label, a hint, and what is wrong with it. */
import { type ComponentChildren, h } from 'preact';
import { useId } from 'preact/hooks';

export interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'password' | 'number' | 'datetime-local' | 'search';
  hint?: string;
  error?: string | null;
  placeholder?: string;
  autocomplete?: 'username' | 'current-password' | 'new-password' | 'off';
  required?: boolean;
  disabled?: boolean;
  autoFocus?: boolean;
  maxLength?: number;
  list?: readonly string[];
  min?: number;
}

export function Field({ label, value, onInput, type = 'text', hint, error, list, autoFocus, ...rest }: FieldProps) {
  const id = useId();
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <label for={id}>{label}</label>
      {/* Not as an element: its types want one kind of input at a time. */}
      {h('input', {
        ...rest,
        id,
        type,
        value,
        spellcheck: false,
        step: type === 'number' ? 'any' : undefined,
        list: list === undefined ? undefined : `${id}-list`,
        'aria-invalid': error ? true : undefined,
        'aria-describedby': hint || error ? `${id}-hint` : undefined,
        ref: autoFocus ? focusOnce : null,
        onInput: (event: InputEvent) => {
          if (event.currentTarget instanceof HTMLInputElement) onInput(event.currentTarget.value);
        },
      })}
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
      {(error || hint) && (
        <p id={`${id}-hint`} class={error ? 'hint bad' : 'hint'}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

export function TextArea({
  label,
  value,
  onInput,
  hint,
  rows = 4,
  disabled,
}: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: string;
  rows?: number;
  disabled?: boolean;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        value={value}
        disabled={disabled}
        spellcheck={false}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  disabled,
  isBare = false,
}: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
  disabled?: boolean;
  /** The label is for screen readers alone. */
  isBare?: boolean;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={isBare ? 'unseen' : undefined}>
        {label}
      </label>
      <select
        id={id}
        value={value}
        disabled={disabled}
        onChange={(event) => {
          const chosen = options.find(([option]) => option === event.currentTarget.value);
          if (chosen !== undefined) onChange(chosen[0]);
        }}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A choice of few, side by side. */
export function Segments<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** Buttons at the end of a form. */
export function FormFooter({ children }: { children: ComponentChildren }) {
  return <footer class="form-footer">{children}</footer>;
}

// The dialog opens after its content is there, and would take the focus to its first button.
function focusOnce(element: HTMLInputElement | null): void {
  if (element !== null && element.dataset['focused'] === undefined) {
    element.dataset['focused'] = '';
    requestAnimationFrame(() => element.focus());
  }
}
