/** Files of the admin API: fetched with the session's token, then handed to the browser as a download. */
import { refusal, request } from './api.ts';

/** Saves what `path` answers under the name that it gives, else under `name`. Throws an ApiError when it is refused. */
export async function download(path: string, name: string): Promise<void> {
  const answer = await request('GET', path);
  if (!answer.ok) {
    const body: unknown = await answer.json().catch(() => null);
    throw refusal(answer.status, body);
  }
  const given = /filename="?([\w.-]+)"?/.exec(answer.headers.get('content-disposition') ?? '')?.[1];
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = given ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
