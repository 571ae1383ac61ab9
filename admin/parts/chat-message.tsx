/** A message of the playground; under tool calls, fields for their results. Texts are shown as they are, never as HTML. */
import { useSignal } from '@preact/signals';
import type { Message, ToolCall } from '../state/chat.ts';
import { isRunning, send } from '../state/playground.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';
import { TextArea } from './field.tsx';

export function ChatMessage({ message, isLast }: { message: Message; isLast: boolean }) {
  return (
    <article class={`message ${message.role}`}>
      <h3>{message.role === 'tool' ? `${t('role.tool')} ${message.name}` : t(`role.${message.role}`)}</h3>
      {message.role === 'assistant' && message.reasoning !== '' && (
        <details>
          <summary>{t('thoughts')}</summary>
          <p class="text">{message.reasoning}</p>
        </details>
      )}
      {message.text !== '' && <p class="text">{message.text}</p>}
      {message.role === 'user' &&
        message.images.map((url) => <img key={url.slice(-64)} src={url} alt={t('image')} class="attached-image" />)}
      {message.role === 'assistant' &&
        message.calls.map((call) => (
          <pre key={call.id}>
            {call.name}({call.arguments})
          </pre>
        ))}
      {message.role === 'assistant' && isLast && message.calls.length > 0 && !isRunning.value && (
        <Results calls={message.calls} />
      )}
    </article>
  );
}

function Results({ calls }: { calls: readonly ToolCall[] }) {
  const texts = useSignal<Record<string, string>>({});
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send(calls.map(({ id, name }) => ({ role: 'tool', callId: id, name, text: texts.value[id] ?? '' })));
      }}
    >
      {calls.map(({ id, name }) => (
        <TextArea
          key={id}
          label={t('resultOf', { name })}
          rows={2}
          value={texts.value[id] ?? ''}
          onInput={(text) => {
            texts.value = { ...texts.value, [id]: text };
          }}
        />
      ))}
      <Button type="submit" kind="primary">
        {t('sendResults')}
      </Button>
    </form>
  );
}
