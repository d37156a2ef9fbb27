/** One operation: what it takes, what it answers, what can go wrong. */
import { element, prose } from './element.js';
import { nameOf, typeOf } from './schema.js';

/** @typedef {import('./types.d.ts').Operation} Operation */
/** @typedef {import('./types.d.ts').Parameter} Parameter */
/** @typedef {import('./types.d.ts').Document} Document */
/** @typedef {import('./types.d.ts').Content} Content */

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 * @param {Parameter[]} shared of all operations on the path
 * @param {Document['components']} components
 */
export function showOperation(method, path, operation, shared, components) {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((one) =>
    one.$ref ? components.parameters[nameOf(one.$ref)] : one,
  );
  const { operationId, summary, description, requestBody, responses } = operation;
  const answers = Object.entries(responses);
  return element(
    'article',
    { class: 'operation', id: operationId, 'aria-labelledby': `${operationId}-title` },
    element('h3', { id: `${operationId}-title` }, summary),
    element(
      'p',
      { class: 'route' },
      element('b', { class: 'method', 'data-method': method }, method.toUpperCase()),
      ' ',
      element('code', {}, path),
    ),
    description ? element('p', {}, ...prose(description)) : null,
    element('p', { class: 'fine' }, ...scopesOf(operation)),
    parameters.length > 0 ? titled('Parameters', parametersOf(parameters)) : null,
    requestBody ? titled('Body', bodiesOf(requestBody.content)) : null,
    titled(
      'Answer',
      ...answers.flatMap(([status, { content }]) =>
        status === '200' && content ? [bodiesOf(content)] : [],
      ),
    ),
    titled('Failures', failuresOf(answers, components)),
  );
}

/** @param {string} title @param {...HTMLElement} content */
function titled(title, ...content) {
  return element('section', {}, element('h4', {}, title), ...content);
}

/** @param {Operation} operation */
function scopesOf({ security }) {
  if (security.length === 0) return ['Needs no key.'];
  const scopes = security.flatMap(({ key }) => key);
  return [
    'Needs a key with the scope ',
    ...scopes.flatMap((scope, i) => separated(i, scopes.length, scope)),
    '.',
  ];
}

/** @param {number} i @param {number} count @param {string} scope @returns {(Node | string)[]} */
function separated(i, count, scope) {
  const before = i === 0 ? '' : i === count - 1 ? ' or ' : ', ';
  return [before, element('code', {}, scope)];
}

/** @param {(Parameter | undefined)[]} parameters */
function parametersOf(parameters) {
  const list = element('dl', { class: 'fields' });
  for (const one of parameters) {
    if (!one) continue;
    list.append(
      element(
        'div',
        {},
        element(
          'dt',
          {},
          element('code', {}, one.name),
          element('span', { class: 'where' }, one.in),
        ),
        element(
          'dd',
          {},
          element('span', { class: 'type' }, ...typeOf(one.schema)),
          one.description ? element('p', {}, ...prose(one.description)) : null,
        ),
      ),
    );
  }
  return list;
}

/** @param {Content} content */
function bodiesOf(content) {
  return element(
    'ul',
    { class: 'bodies' },
    ...Object.entries(content).map(([type, { schema }]) =>
      element('li', {}, ...typeOf(schema), ' as ', element('code', {}, type)),
    ),
  );
}

/** @param {[string, Operation['responses'][string]][]} answers @param {Document['components']} components */
function failuresOf(answers, components) {
  return element(
    'ul',
    { class: 'failures' },
    ...answers.flatMap(([status, { $ref }]) => {
      if (!$ref) return [];
      const text = components.responses[nameOf($ref)]?.description ?? '';
      return [element('li', {}, element('b', {}, status), ' ', ...prose(text))];
    }),
  );
}
