/** A schema in words: its type on one line, its fields as a list. */
import { element, prose } from './element.js';

/** @typedef {import('./types.d.ts').Schema} Schema */

/** @param {string} reference */
export const nameOf = (reference) => reference.slice(reference.lastIndexOf('/') + 1);

/**
 * The type on one line, with links to schemas that have a name.
 *
 * @param {Schema} schema
 * @returns {(Node | string)[]}
 */
export function typeOf(schema) {
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return [element('a', { href: `#schema-${name}` }, name)];
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return joined(choices.map(typeOf));
  if (schema.not) return ['nothing'];
  if (schema.const !== undefined) return [code(schema.const)];
  if (schema.enum) return joined(schema.enum.map((value) => [code(value)]));
  if (schema.type === 'array') return ['list of ', ...typeOf(schema.items ?? {}), limits(schema)];
  return [`${schema.format === 'binary' ? 'file' : (schema.type ?? 'anything')}`, limits(schema)];
}

/** @param {unknown} value */
const code = (value) => element('code', {}, JSON.stringify(value));

/** @param {(Node | string)[][]} types one of them, each once */
function joined(types) {
  const seen = new Set();
  const distinct = types.filter((type) => {
    const text = type.map((node) => (typeof node === 'string' ? node : node.textContent)).join('');
    return !seen.has(text) && seen.add(text);
  });
  return distinct.flatMap((type, i) => (i === 0 ? type : [' or ', ...type]));
}

/** @param {Schema} schema */
function limits(schema) {
  const number = between(schema.minimum, schema.maximum, '');
  const length = between(schema.minLength, schema.maxLength, ' characters');
  const items = between(schema.minItems, schema.maxItems, ' items');
  const all = [number, length, items].filter((limit) => limit !== '');
  return all.length === 0 ? '' : `, ${all.join(', ')}`;
}

/** @param {number | undefined} least @param {number | undefined} most @param {string} unit */
function between(least, most, unit) {
  const tell = (/** @type {number} */ value) => value.toLocaleString('en');
  if (most !== undefined && Math.abs(most) < Number.MAX_SAFE_INTEGER) {
    return least === undefined
      ? `at most ${tell(most)}${unit}`
      : `${tell(least)} to ${tell(most)}${unit}`;
  }
  // That a length or a count is not negative goes without saying.
  if (least === undefined || least === 0 || Math.abs(least) >= Number.MAX_SAFE_INTEGER) return '';
  return `at least ${tell(least)}${unit}`;
}

/**
 * The fields of an object, those of objects within indented below. Null: it has none.
 *
 * @param {Schema} schema
 * @returns {HTMLElement | null}
 */
function fieldsOf(schema) {
  const { properties, required = [] } = schema;
  if (!properties) return null;
  const list = element('dl', { class: 'fields' });
  for (const [name, field] of Object.entries(properties)) {
    list.append(
      element(
        'div',
        {},
        element(
          'dt',
          {},
          element('code', {}, name),
          required.includes(name) ? element('span', { class: 'required' }, 'required') : null,
        ),
        element('dd', {}, ...described(field), ...withinOf(field)),
      ),
    );
  }
  return list;
}

/** @param {Schema} field @returns {(Node | string)[]} */
function described(field) {
  const fallback = field.default === undefined ? null : JSON.stringify(field.default);
  const told = fallback !== null && fallback.length < 20;
  return [
    element('span', { class: 'type' }, ...typeOf(field)),
    told ? element('span', { class: 'type' }, `, ${fallback} if left out`) : '',
    field.description ? element('p', {}, ...prose(field.description)) : '',
  ];
}

/** Objects without a name in a field: as it is, in a list, or as one of its choices. @param {Schema} field @returns {HTMLElement[]} */
function withinOf(field) {
  const own = fieldsOf(field);
  const within = [field.items, ...(field.anyOf ?? []), ...(field.oneOf ?? [])];
  return [...(own ? [own] : []), ...within.flatMap((one) => (one ? withinOf(one) : []))];
}

/**
 * A schema with a name: its fields, or its choices.
 *
 * @param {string} name
 * @param {Schema} schema
 */
export function namedSchema(name, schema) {
  const fields = fieldsOf(schema);
  const within = fields ? [fields] : withinOf(schema);
  return element(
    'details',
    { class: 'schema', id: `schema-${name}` },
    element('summary', {}, element('h3', {}, name)),
    ...(fields ? [] : [element('p', { class: 'type' }, ...typeOf(schema))]),
    ...within,
  );
}
