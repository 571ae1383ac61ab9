/** The two things of JSON Schema that Gemini doesn't know: a place that refers to another, and one that is several. */
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import { wrongValue } from './field-readers.ts';

/** Nodes of a schema that are walked, copies of what it refers to included: an honest schema has hundreds. */
const nodesMax = 20_000;
const pointerCharsMax = 512;
/** References and `allOf`s that lead on from one node. */
const mergeDepthMax = 32;

/** The schema as a whole, to which its pointers refer, and how much of it may still be walked. */
export class SchemaRoot {
  readonly #root: unknown;
  readonly #param: string;
  #nodesLeft = nodesMax;

  constructor(root: unknown, param: string) {
    this.#root = root;
    this.#param = param;
  }

  /** Counts work. Throws for a schema that is too large, or that its references make so. */
  spend(nodes: number): void {
    this.#nodesLeft -= nodes;
    if (this.#nodesLeft < 0) throw wrongValue(this.#param, 'the schema is too large, or refers to itself too often.');
  }

  /** What a local pointer such as `#/$defs/a~1b` refers to; undefined when there is nothing. */
  resolve(pointer: string): unknown {
    if ((pointer !== '#' && !pointer.startsWith('#/')) || pointer.length > pointerCharsMax) return undefined;
    let node = this.#root;
    for (const token of pointer.split('/').slice(1)) {
      const name = decodeToken(token);
      if (Array.isArray(node)) node = /^\d{1,9}$/.test(name) ? node[Number(name)] : undefined;
      else node = isRecord(node) && Object.hasOwn(node, name) ? node[name] : undefined;
    }
    return node;
  }

  /** One schema in place of one that refers or combines: `$ref` with what stands beside it, and `allOf`. */
  merge(node: JsonRecord): JsonRecord {
    const merged: Record<string, unknown> = Object.create(null);
    this.#mergeInto(merged, node, []);
    return merged;
  }

  #mergeInto(merged: Record<string, unknown>, node: JsonRecord, pointers: string[]): void {
    this.spend(1);
    // What stands beside a reference says more than what it refers to.
    for (const name in node) if (name !== '$ref' && name !== 'allOf') this.#mergeKeyword(merged, name, node[name]);
    if (pointers.length >= mergeDepthMax) return;
    const { $ref: pointer, allOf } = node;
    if (typeof pointer === 'string' && !pointers.includes(pointer)) {
      const target = this.resolve(pointer);
      pointers.push(pointer);
      if (isRecord(target)) this.#mergeInto(merged, target, pointers);
      pointers.pop();
    }
    if (Array.isArray(allOf))
      for (const member of allOf) if (isRecord(member)) this.#mergeInto(merged, member, pointers);
  }

  #mergeKeyword(merged: Record<string, unknown>, name: string, value: unknown): void {
    const known = merged[name];
    if (known === undefined) {
      merged[name] = value;
      return;
    }
    const tighten = tightest.get(name);
    if (tighten !== undefined) {
      if (typeof known === 'number' && typeof value === 'number') merged[name] = tighten(known, value);
    } else if (name === 'type') merged[name] = intersectTypes(known, value);
    else if (isRecord(known) && isRecord(value)) {
      if (name === 'properties') merged[name] = this.#mergeProperties(known, value);
      else if (name === 'items') merged[name] = { allOf: [known, value] };
    } else if (Array.isArray(known) && Array.isArray(value)) {
      this.spend(known.length + value.length);
      if (name === 'required') merged[name] = [...new Set([...known, ...value])];
      else if (name === 'enum') {
        const allowed = new Set(value);
        merged[name] = known.filter((member) => allowed.has(member));
      }
    }
    // Of everything else the first word holds.
  }

  #mergeProperties(known: JsonRecord, value: JsonRecord): JsonRecord {
    const merged: Record<string, unknown> = Object.create(null);
    const knownNames = Object.keys(known);
    const names = Object.keys(value);
    this.spend(knownNames.length + names.length);
    for (const name of knownNames) merged[name] = known[name];
    for (const name of names) merged[name] = name in merged ? { allOf: [merged[name], value[name]] } : value[name];
    return merged;
  }
}

function decodeToken(token: string): string {
  let text = token;
  try {
    text = decodeURIComponent(token);
  } catch {
    // A percent sign that is meant as one.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

const tightest: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ['minimum', Math.max],
  ['exclusiveMinimum', Math.max],
  ['minLength', Math.max],
  ['minItems', Math.max],
  ['minProperties', Math.max],
  ['maximum', Math.min],
  ['exclusiveMaximum', Math.min],
  ['maxLength', Math.min],
  ['maxItems', Math.min],
  ['maxProperties', Math.min],
]);

function intersectTypes(known: unknown, value: unknown): unknown {
  const names: unknown[] = Array.isArray(known) ? known : [known];
  const others = new Set<unknown>(Array.isArray(value) ? value : [value]);
  const common = names.flatMap((name) => {
    if (others.has(name)) return [name];
    return name === 'number' && others.has('integer') ? ['integer'] : [];
  });
  return common.length > 0 ? common : known;
}
