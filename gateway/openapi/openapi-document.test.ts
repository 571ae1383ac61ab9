/** The OpenAPI document says all that the admin API does, and is one: every route, every reference, every schema. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Compile } from 'typebox/compile';
import { parseConfig } from '../../shared/config.ts';
import { AdminStand } from '../e2e/admin-stand.ts';
import { settingsRoute } from '../settings-routes.ts';
import { adminOperations } from './admin-operations.ts';
import { openApiDocument, openApiRoute, operationsOf } from './openapi-document.ts';

const admin = new AdminStand();
const config = parseConfig({ JWT_SECRET: 'the secret of the tests', ADMIN_PASSWORD: 'correct horse' });
const live = { path: '/admin/api/live', methods: { GET: () => undefined } };
const routes = [...admin.routes, settingsRoute(config, new Map()), live];
const all = [...routes, openApiRoute(routes)];
const document: Record<string, unknown> = JSON.parse(JSON.stringify(openApiDocument(all)));

/** The value at a JSON pointer of the document. */
function at(pointer: string): unknown {
  let value: unknown = document;
  for (const key of pointer.split('/').slice(1))
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key.replaceAll('~1', '/')) : undefined;
  return value;
}

function* objectsIn(value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null) return;
  yield value;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

describe('the OpenAPI document', () => {
  before(() => admin.start());
  after(() => admin.stop());

  test('has every operation of every route, each described, and no other', () => {
    assert.deepEqual(operationsOf(all).sort(), Object.keys(adminOperations).sort());
    for (const name of operationsOf(all)) {
      const [method, path] = name.split(' ');
      const operation = at(`/paths/${path?.replaceAll('/', '~1')}/${method?.toLowerCase()}`);
      assert.ok(typeof operation === 'object' && operation !== null, name);
      assert.match(String(Reflect.get(operation, 'summary')), /\.$/, name);
    }
  });

  test('is OpenAPI 3.1 in its parts: ids are unique, references lead somewhere, schemas are schemas', () => {
    assert.equal(document['openapi'], '3.1.0');
    const ids: unknown[] = [];
    for (const object of objectsIn(document)) {
      if ('operationId' in object) ids.push(object.operationId);
      if ('$ref' in object && typeof object.$ref === 'string')
        assert.notEqual(at(object.$ref.replace(/^#/, '')), undefined, object.$ref);
    }
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length, operationsOf(all).length);
    for (const schema of Object.values(Object(at('/components/schemas')))) Compile(Object(schema));
  });

  test('every free segment of a path is a parameter', () => {
    for (const [path, item] of Object.entries(Object(at('/paths'))))
      assert.equal(path.includes('{id}'), Array.isArray(Reflect.get(Object(item), 'parameters')), path);
  });

  test('says what bodies are: the same bounds that refuse', () => {
    const body = '/paths/~1admin~1api~1api-keys/post/requestBody/content/application~1json/schema/properties';
    assert.equal(at(`${body}/limits/properties/requests_per_minute/anyOf/0/maximum`), 1_000_000_000);
    assert.deepEqual(at('/paths/~1admin~1api~1auth~1login/post/security'), []);
    const changed = at('/paths/~1admin~1api~1api-keys~1{id}/put/responses/409');
    assert.match(JSON.stringify(changed), /"current":\{"\$ref":"#\/components\/schemas\/ClientKey"\}/);
  });

  test('holds no secret', () => {
    const text = JSON.stringify(document);
    for (const secret of ['the secret of the tests', 'correct horse']) assert.ok(!text.includes(secret));
  });

  test('answers are what the document says', async () => {
    const { id } = await admin.create();
    const answers: [path: string, pointer: string][] = [
      ['/admin/api/api-keys', 'api-keys'],
      [`/admin/api/api-keys/${id}`, 'api-keys~1{id}'],
      ['/admin/api/users', 'users'],
      ['/admin/api/audit', 'audit'],
      ['/admin/api/auth/verify', 'auth~1verify'],
      ['/admin/api/dashboard', 'dashboard'],
      ['/admin/api/gemini-keys', 'gemini-keys'],
      ['/admin/api/prices', 'prices'],
      ['/admin/api/usage/series', 'usage~1series'],
      ['/admin/api/usage/summary', 'usage~1summary'],
      ['/admin/api/requests', 'requests'],
    ];
    for (const [path, place] of answers) {
      const { status, body } = await admin.ask('GET', path);
      assert.equal(status, 200, path);
      const pointer = `/paths/~1admin~1api~1${place}/get/responses/200/content/application~1json/schema`;
      const schema = { ...Object(resolved(at(pointer))) };
      const validator = Compile(schema);
      assert.deepEqual(validator.Errors(body).slice(0, 1), [], path);
    }
  });
});

/** A schema with its references replaced by what they refer to. */
function resolved(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(resolved);
  if (typeof schema !== 'object' || schema === null) return schema;
  if ('$ref' in schema && typeof schema.$ref === 'string') return resolved(at(schema.$ref.slice(1)));
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolved(value)]));
}
