/**
 * The admin API as an OpenAPI 3.1 document: the paths are those of the route table, what stands at each is made from the
 * schemas that bodies and queries are checked against, so that it can't say anything else than what is done.
 */
import type { TObject } from 'typebox';
import type { Method } from '../call.ts';
import { replyJson } from '../reply.ts';
import type { Route } from '../route-table.ts';
import { adminOperations, namedSchemas, type Operation, type OperationName } from './admin-operations.ts';

type Json = Record<string, unknown>;

const path = '/admin/api/openapi.json';
const prefix = '/admin/api/';
const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'DELETE'];

/** The route of the document about these routes and itself; needs no session. */
export function openApiRoute(routes: readonly Route[]): Route {
  const route: Route = { path, methods: { GET: ({ down }) => replyJson(down, 200, document) } };
  const document = openApiDocument([...routes, route]);
  return route;
}

/** The document; routes outside of the admin API are left out. */
export function openApiDocument(routes: readonly Route[]): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'gemini-pool admin API',
      version: '1',
      description:
        'Times in answers are ISO 8601, UTC; money is US dollars. A change may carry the version that it was made on.',
    },
    servers: [{ url: '/' }],
    security: [{ session: [] }],
    paths: Object.fromEntries(
      routes.filter((route) => route.path.startsWith(prefix)).map((route) => [route.path, pathItem(route)]),
    ),
    components: {
      securitySchemes: { session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        ...Object.fromEntries(Object.entries(namedSchemas).map(([name, schema]) => [name, plain(schema, true)])),
        Error: errorSchema,
      },
      responses: { Error: { description: 'What went wrong.', content: json({ $ref: '#/components/schemas/Error' }) } },
    },
  };
}

/** Names of the operations that routes offer. */
export function operationsOf(routes: readonly Route[]): OperationName[] {
  return routes.flatMap((route) =>
    methods
      .filter((method) => route.methods[method] !== undefined)
      .map((method): OperationName => `${method} ${route.path}`),
  );
}

function pathItem(route: Route): Json {
  const item: Json = {};
  if (route.path.includes('{id}'))
    item['parameters'] = [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }];
  for (const method of methods) {
    const operation = adminOperations[`${method} ${route.path}`];
    if (route.methods[method] !== undefined)
      item[method.toLowerCase()] = {
        operationId: operationId(method, route.path),
        ...(operation === undefined ? { responses: responsesOf(null) } : operationObject(operation)),
      };
  }
  return item;
}

function operationObject(operation: Operation): Json {
  const { tag, summary, query, body, isOpen } = operation;
  return {
    tags: [tag],
    summary,
    ...(isOpen ? { security: [] } : {}),
    ...(query === undefined ? {} : { parameters: parametersOf(query) }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(plain(body)) } }),
    responses: responsesOf(operation),
  };
}

function parametersOf(query: TObject): Json[] {
  const required: unknown = Reflect.get(query, 'required');
  return Object.entries(query.properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: Array.isArray(required) && required.includes(name),
    schema: plain(schema),
  }));
}

function responsesOf(operation: Operation | null): Json {
  const responses: Json = { default: { $ref: '#/components/responses/Error' } };
  if (operation === null) return { '200': { description: 'Done.' }, ...responses };
  const { answer, file, isVersioned } = operation;
  if (isVersioned)
    responses['409'] = {
      description: 'Somebody else has changed the entry in the meantime; `current` is its present state.',
      content: json({
        allOf: [
          { $ref: '#/components/schemas/Error' },
          { type: 'object', required: ['current'], properties: { current: plain(answer) } },
        ],
      }),
    };
  const success =
    file === undefined
      ? { description: 'Done.', content: json(plain(answer)) }
      : { description: file.description, content: Object.fromEntries(file.types.map((type) => [type, {}])) };
  return { '200': success, ...responses };
}

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
};

function json(schema: unknown): Json {
  return { 'application/json': { schema } };
}

const names: ReadonlyMap<unknown, string> = new Map(
  Object.entries(namedSchemas).map(([name, schema]) => [schema, name]),
);

/** A schema as plain JSON, with references in place of the named ones inside it, and of itself unless it `isItself`. */
function plain(value: unknown, isItself = false): unknown {
  const name = names.get(value);
  if (name !== undefined && !isItself) return { $ref: `#/components/schemas/${name}` };
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** `GET /admin/api/users/{id}/logout` as `get_users_id_logout`. */
function operationId(method: Method, route: string): string {
  return `${method.toLowerCase()}_${route.slice(prefix.length).replace(/[{}]/g, '').replace(/\W+/g, '_')}`;
}
