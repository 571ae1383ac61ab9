/** `GET /models` and `GET /models/{m}`. */
import { describeModel, listedModels, type Model } from './model-catalogue.ts';

const pageSizeDefault = 50;
const pageSizeMax = 1_000;

/** One page of the list; the token is the place where the next one begins. */
export function listModels(query: string): string {
  const parameters = new URLSearchParams(query);
  const wanted = Number(parameters.get('pageSize') ?? '0');
  const pageSize = Math.min(wanted > 0 ? wanted : pageSizeDefault, pageSizeMax);
  const token = parameters.get('pageToken') ?? '';
  const start = token === '' ? 0 : Number(Buffer.from(token, 'base64url').toString());
  const models = listedModels.slice(start, start + pageSize).map(({ id, model }) => describeModel(id, model));
  const next = start + pageSize;
  const nextPageToken = next < listedModels.length ? Buffer.from(String(next)).toString('base64url') : undefined;
  return JSON.stringify({ models, ...(nextPageToken === undefined ? {} : { nextPageToken }) }, null, 2);
}

export function readModel(id: string, model: Model): string {
  return JSON.stringify(describeModel(id, model), null, 2);
}
