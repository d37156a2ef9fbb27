/** The API's reference, drawn from the document that the worker serves. */
import { part } from '../parts.js';
import { element, prose } from './element.js';
import { showOperation } from './operation.js';
import { namedSchema } from './schema.js';

/** @typedef {import('./types.d.ts').Document} Document */

const METHODS = ['get', 'post', 'delete'];

try {
  const response = await fetch('/openapi.json');
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  show(await response.json());
} catch (error) {
  const failure = part(document, 'failure');
  failure.textContent = `The document could not be read: ${error instanceof Error ? error.message : error}. Is the worker running?`;
  failure.hidden = false;
}

/** @param {Document} api */
function show(api) {
  part(document, 'lead').append(...prose(api.info.description));
  const contents = part(document, 'contents');
  const operations = part(document, 'operations');
  for (const tag of api.tags) {
    const found = operationsOf(api, tag.name);
    const id = `tag-${tag.name.replaceAll(' ', '-')}`;
    contents.append(
      element('h2', {}, tag.name),
      element(
        'ul',
        {},
        ...found.map(({ operation }) =>
          element('li', {}, element('a', { href: `#${operation.operationId}` }, operation.summary)),
        ),
      ),
    );
    operations.append(
      element(
        'section',
        { 'aria-labelledby': id },
        element('h2', { id }, tag.name),
        element('p', {}, tag.description),
        ...found.map(({ method, path, operation, shared }) =>
          showOperation(method, path, operation, shared, api.components),
        ),
      ),
    );
  }
  const schemas = part(document, 'schemas');
  for (const [name, schema] of Object.entries(api.components.schemas).sort()) {
    schemas.append(namedSchema(name, schema));
  }
  contents.append(
    element('ul', {}, element('li', {}, element('a', { href: '#schemas-title' }, 'Schemas'))),
  );
  addEventListener('hashchange', openTarget);
  openTarget();
}

/** @param {Document} api @param {string} tag */
function operationsOf(api, tag) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (!operation?.tags.includes(tag)) return [];
      return [{ method, path, operation, shared: item.parameters ?? [] }];
    }),
  );
}

/** What the address names is opened and brought into view: it was not there when the page was loaded. */
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  target.scrollIntoView();
}
