/** One request with the timeline of its attempts: which key, how long it waited, and why it went on to the next. */
import type { AttemptEntry, RequestEntry } from '../../shared/admin-usage.ts';
import { useResource } from '../state/resource.ts';
import { href } from '../state/router.ts';
import { dateTime, duration, money, whole } from '../text/format.ts';
import { maybe, t } from '../text/text.ts';
import { CopyButton } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Failure, Loading } from './notice.tsx';
import { OutcomeBadge } from './outcome.tsx';
import { Badge } from './tile.tsx';

export function RequestDetail({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, reload } = useResource<RequestEntry>(`/requests/${encodeURIComponent(id)}`);
  return (
    <Dialog title={t('request')} isWide onClose={onClose}>
      <div class="secret">
        <code>{id}</code>
        <CopyButton text={id} />
      </div>
      {error.value !== null && <Failure error={error.value} onRetry={() => void reload()} />}
      {data.value === null ? error.value === null && <Loading /> : <Detail entry={data.value} />}
    </Dialog>
  );
}

function Detail({ entry }: { entry: RequestEntry }) {
  return (
    <>
      <Facts entry={entry} />
      {entry.error_code !== null && <ErrorAsSeen entry={entry} />}
      <h3>{t('timeline')}</h3>
      <Timeline entry={entry} />
      {entry.warnings.length > 0 && (
        <>
          <h3>{t('warnings')}</h3>
          <ul class="warnings">
            {entry.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </>
      )}
      <p class="hint">{t('promptsNever')}</p>
    </>
  );
}

function Facts({ entry }: { entry: RequestEntry }) {
  const tokens = [
    [t('input'), entry.prompt_tokens],
    [t('cached'), entry.cached_tokens],
    [t('toolInput'), entry.tool_prompt_tokens],
    [t('thoughts'), entry.thoughts_tokens],
    [t('output'), entry.output_tokens],
  ] as const;
  return (
    <dl class="facts two">
      <div>
        <dt>{t('time')}</dt>
        <dd>{dateTime(entry.at)}</dd>
      </div>
      <div>
        <dt>{t('status')}</dt>
        <dd>
          <OutcomeBadge outcome={entry.outcome} status={entry.status} /> {t(`outcome.${entry.outcome}`)}
          {entry.ended_by !== null && ` · ${maybe('endedBy', entry.ended_by)}`}
          {entry.phase !== null && entry.outcome !== 'completed' && ` · ${maybe('phase', entry.phase)}`}
        </dd>
      </div>
      <div>
        <dt>{t('clientKey')}</dt>
        <dd>
          <a href={href('client-keys', entry.client_key_id)}>{entry.client_key_name ?? entry.client_key_id}</a>
        </dd>
      </div>
      <div>
        <dt>{t('model')}</dt>
        <dd>
          {entry.model_served ?? '–'}
          {entry.model_asked !== entry.model_served && ` ← ${entry.model_asked ?? '–'}`}
        </dd>
      </div>
      <div>
        <dt>{t('endpoint')}</dt>
        <dd>
          {entry.endpoint} {entry.stream && <Badge tone="info">{t('stream')}</Badge>}
        </dd>
      </div>
      <div>
        <dt>{t('finishReason')}</dt>
        <dd>{entry.finish_reason ?? '–'}</dd>
      </div>
      <div>
        <dt>{t('tokens')}</dt>
        <dd>
          {tokens.map(([label, count]) => `${label} ${whole(count)}`).join(' · ')}
          {entry.tokens_estimated && <Badge tone="warn">{t('estimated')}</Badge>}
        </dd>
      </div>
      <div>
        <dt>{t('cost')}</dt>
        <dd>{money(entry.cost)}</dd>
      </div>
      <div>
        <dt>{t('firstToken')}</dt>
        <dd>{duration(entry.first_token_ms)}</dd>
      </div>
      <div>
        <dt>{t('duration')}</dt>
        <dd>{duration(entry.duration_ms)}</dd>
      </div>
    </dl>
  );
}

/** The error in the envelope in which the client got it. */
function ErrorAsSeen({ entry }: { entry: RequestEntry }) {
  const { error_code, error_message, error_param, status } = entry;
  return (
    <div class="failure">
      <p>
        <strong>
          {status} {error_code}
        </strong>
        {error_param !== null && <code> {error_param}</code>}
        <br />
        {error_message ?? t('noMessage')}
      </p>
    </div>
  );
}

function Timeline({ entry }: { entry: RequestEntry }) {
  const { attempts, duration_ms, first_token_ms } = entry;
  if (attempts.length === 0) return <p class="hint">{t('noAttempts')}</p>;
  const whole = Math.max(1, duration_ms, ...attempts.map(({ started_ms, duration_ms }) => started_ms + duration_ms));
  const at = (ms: number): string => `${Math.min(100, (Math.max(0, ms) / whole) * 100)}%`;
  return (
    <ol class="timeline">
      {attempts.map((attempt, index) => (
        <li key={`${index} ${attempt.gemini_key_id}`}>
          <p>
            <b>{index + 1}</b>
            <code>{attempt.gemini_key}</code>
            <Badge tone={toneOf(attempt)}>{maybe('reason', attempt.reason)}</Badge>
            {attempt.status !== null && <span>{attempt.status}</span>}
            <span>{attempt.model}</span>
            <span class="push">
              {t('attemptTimes', {
                start: duration(attempt.started_ms),
                wait: duration(attempt.wait_ms),
                took: duration(attempt.duration_ms),
              })}
            </span>
          </p>
          <div class="track" aria-hidden="true">
            <i class="waited" style={{ left: at(attempt.started_ms - attempt.wait_ms), width: at(attempt.wait_ms) }} />
            <i class={toneOf(attempt)} style={{ left: at(attempt.started_ms), width: at(attempt.duration_ms) }} />
            {first_token_ms !== null && index === attempts.length - 1 && (
              <i class="mark" style={{ left: at(first_token_ms) }} />
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

function toneOf({ reason }: AttemptEntry): 'good' | 'warn' | 'bad' {
  if (reason === 'ok') return 'good';
  return /rate|quota|limit|overload/.test(reason) ? 'warn' : 'bad';
}
