/** The playground: a conversation with the gateway over a client key, as any OpenAI client would have it. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Button, Switch } from '../parts/button.tsx';
import { ChatMessage } from '../parts/chat-message.tsx';
import { Field, Select, TextArea } from '../parts/field.tsx';
import { Empty, Failure, sayError } from '../parts/notice.tsx';
import { PageHead, Panel } from '../parts/tile.tsx';
import * as playground from '../state/playground.ts';
import { href } from '../state/router.ts';
import { mayChange, session } from '../state/session.ts';
import { duration, whole } from '../text/format.ts';
import { t } from '../text/text.ts';

const imageBytesMax = 10 * 1024 * 1024;
const exampleTools = `[
  {
    "type": "function",
    "function": {
      "name": "get_weather",
      "description": "Weather of a city",
      "parameters": {
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"]
      }
    }
  }
]`;

export function PlaygroundPage() {
  return (
    <>
      <PageHead title={t('page.playground')}>
        <Button onClick={playground.clear}>{t('newChat')}</Button>
      </PageHead>
      <div class="playground">
        <Options />
        <Panel class="chat">
          <Conversation />
          <Composer />
        </Panel>
      </div>
    </>
  );
}

function Options() {
  const pasted = useSignal('');
  const run = async (what: Promise<void>): Promise<void> => {
    try {
      await what;
    } catch (error) {
      sayError(error);
    }
  };
  const { key, models, model, system, tools, effort, isStreaming } = playground;
  return (
    <Panel title={t('options')} class="options">
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          void run(playground.useKey(pasted.value.trim()));
        }}
      >
        <Field
          label={t('clientKey')}
          type="password"
          autocomplete="off"
          value={pasted.value}
          placeholder="gp_…"
          onInput={(value) => {
            pasted.value = value;
          }}
        />
        <Button type="submit" disabled={pasted.value.trim() === ''}>
          {t('use')}
        </Button>
      </form>
      {mayChange.value && (
        <Button
          icon="add"
          onClick={() => void run(playground.mintKey(t('playgroundKey', { name: session.value?.username ?? '' })))}
        >
          {t('mint')}
        </Button>
      )}
      <p class="hint">
        {key.value === '' ? t('keyNeeded') : t('keyInUse', { key: `${key.value.slice(0, 5)}…${key.value.slice(-4)}` })}
      </p>
      <Field
        label={t('model')}
        value={model.value}
        list={models.value}
        onInput={(value) => {
          model.value = value;
        }}
      />
      <Select
        label={t('reasoning')}
        value={effort.value}
        options={[
          ['', t('byDefault')],
          ...['none', 'low', 'medium', 'high'].map((one): [string, string] => [one, one]),
        ]}
        onChange={(value) => {
          effort.value = value;
        }}
      />
      <div class="row">
        <span>{t('stream')}</span>
        <Switch
          label={t('stream')}
          isOn={isStreaming.value}
          onChange={(isOn) => {
            isStreaming.value = isOn;
          }}
        />
      </div>
      <TextArea
        label={t('system')}
        rows={3}
        value={system.value}
        onInput={(value) => {
          system.value = value;
        }}
      />
      <TextArea
        label={t('tools')}
        rows={tools.value === '' ? 2 : 10}
        value={tools.value}
        hint={t('toolsHint')}
        onInput={(value) => {
          tools.value = value;
        }}
      />
      {tools.value === '' && (
        <Button
          onClick={() => {
            tools.value = exampleTools;
          }}
        >
          {t('example')}
        </Button>
      )}
    </Panel>
  );
}

function Conversation() {
  const { messages, failure, result, isRunning } = playground;
  if (messages.value.length === 0 && failure.value === null)
    return <Empty title={t('chatEmpty')}>{t('chatEmptyHint')}</Empty>;
  return (
    <div class="conversation">
      {messages.value.map((message, index) => (
        <ChatMessage key={index} message={message} isLast={index === messages.value.length - 1} />
      ))}
      {isRunning.value && (
        <p class="hint" role="status">
          {t('answering')}
        </p>
      )}
      {failure.value !== null && <Failure error={failure.value} />}
      {result.value !== null && <Outcome />}
    </div>
  );
}

function Outcome() {
  const result = playground.result.value;
  if (result === null) return null;
  return (
    <p class="outcome hint" role="status">
      {[
        t('tookTime', { time: duration(result.tookMs), first: duration(result.firstMs) }),
        t('tokensInOut', { input: whole(result.promptTokens), output: whole(result.completionTokens) }),
        result.finishReason ?? '',
      ]
        .filter(Boolean)
        .join(' · ')}
      {result.warnings !== null && (
        <span class="warnings">
          {t('warnings')}: {result.warnings}
        </span>
      )}
      {result.requestId !== null && <a href={href('requests', result.requestId)}>{t('timeline')}</a>}
    </p>
  );
}

function Composer() {
  const text = useSignal('');
  const images = useSignal<readonly string[]>([]);
  const files = useRef<HTMLInputElement>(null);
  const { key, model, isRunning } = playground;
  const isReady = key.value !== '' && model.value !== '' && text.value.trim() !== '';
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isReady || isRunning.value) return;
    void playground.send([{ role: 'user', text: text.value, images: [...images.value] }]);
    text.value = '';
    images.value = [];
  };
  const attach = async (list: FileList | null): Promise<void> => {
    for (const file of list ?? []) {
      if (file.size > imageBytesMax) continue;
      images.value = [...images.value, await dataUrl(file)];
    }
    if (files.current !== null) files.current.value = '';
  };
  return (
    <form class="composer" onSubmit={submit}>
      {images.value.length > 0 && (
        <div class="attached">
          {images.value.map((url, index) => (
            <button
              key={url.slice(-64)}
              type="button"
              aria-label={t('removeImage')}
              onClick={() => {
                images.value = images.value.filter((_, at) => at !== index);
              }}
            >
              <img src={url} alt="" />
            </button>
          ))}
        </div>
      )}
      <textarea
        aria-label={t('message')}
        placeholder={t('messageHint')}
        rows={3}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event);
        }}
      />
      <div class="actions">
        <label class="button">
          {t('image')}
          <input
            ref={files}
            class="unseen"
            type="file"
            accept="image/*"
            multiple
            onChange={(event) => void attach(event.currentTarget.files)}
          />
        </label>
        {isRunning.value ? (
          <Button icon="stop" kind="danger" onClick={playground.stop}>
            {t('stop')}
          </Button>
        ) : (
          <Button icon="play" kind="primary" type="submit" disabled={!isReady}>
            {t('send')}
          </Button>
        )}
      </div>
    </form>
  );
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
