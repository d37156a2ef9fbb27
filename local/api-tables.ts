/**
 * The tables of docs/api.md that are made from the schemas: each between a comment
 * that says which (`<!-- fields of ChatRequest -->`, `<!-- routes -->`) and `<!-- end -->`.
 */

/** As much of a JSON Schema as a table shows. */
interface FieldSchema {
  $ref?: string;
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  anyOf?: FieldSchema[];
  oneOf?: FieldSchema[];
  not?: unknown;
  items?: FieldSchema;
  properties?: Record<string, FieldSchema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  minItems?: number;
}

interface Api {
  /** The schemas that have names. */
  components: Record<string, FieldSchema>;
  operations: readonly {
    method: string;
    path: string;
    summary: string;
    scopes: readonly string[];
  }[];
}

const REGION = /<!-- (routes|fields of .+?) -->\n[\s\S]*?<!-- end -->/g;

/** The page with every table made anew. Throws where a comment names a schema that there is not. */
export function withTables(markdown: string, api: Api): string {
  return markdown.replace(REGION, (_, what: string) => {
    const table = what === 'routes' ? routes(api) : fields(what.slice('fields of '.length), api);
    return `<!-- ${what} -->\n${table}\n<!-- end -->`;
  });
}

function routes({ operations }: Api): string {
  return tableOf(
    ['route', 'does', 'scope'],
    operations.map(({ method, path, summary, scopes }) => [
      `\`${method.toUpperCase()} ${path}\``,
      summary,
      scopes.map((scope) => `\`${scope}\``).join(' or ') || 'none',
    ]),
  );
}

/** @param named a schema; or `A beside B`: what A has just as B has it is then in one row */
function fields(named: string, api: Api): string {
  const [name = '', other] = named.split(' beside ');
  const known = other === undefined ? {} : propertiesOf(other, api);
  return tableOf(['field', 'takes', 'meaning'], rowsOf(name, api, known));
}

function propertiesOf(name: string, { components }: Api): Record<string, FieldSchema> {
  const properties = components[name]?.properties;
  if (!properties) throw new Error(`docs/api.md has a table of ${name}, which has no fields`);
  return properties;
}

const REFUSED =
  'Refused by name, as they would change the answer; taken where they ask for nothing. The error says what to do.';

/** Fields that read alike share a row, and so do those that `known` has just so. */
function rowsOf(name: string, api: Api, known: Record<string, FieldSchema>): string[][] {
  const needed = new Set(api.components[name]?.required);
  const rows = new Map<string, string[]>();
  const shared: string[] = [];
  const refused: string[] = [];
  for (const [field, schema] of Object.entries(propertiesOf(name, api))) {
    const code = `\`${field}\``;
    if (schema.description?.startsWith('Not supported: ')) {
      refused.push(code);
      continue;
    }
    if (JSON.stringify(known[field]) === JSON.stringify(schema)) {
      shared.push(code);
      continue;
    }
    const takes = [
      typeOf(schema),
      ...defaultOf(schema),
      ...(needed.has(field) ? ['required'] : []),
    ];
    const named = schema.$ref ? api.components[nameOf(schema.$ref)] : undefined;
    const meaning = schema.description ?? named?.description ?? '';
    const key = JSON.stringify([takes, meaning]);
    const [same] = rows.get(key) ?? [];
    rows.set(key, [same ? `${same}, ${code}` : code, takes.join('; '), meaning]);
  }
  const last = shared.length > 0 ? [[shared.join(', '), '', 'As in chat.']] : [];
  const never = refused.length > 0 ? [[refused.join(', '), 'nothing', REFUSED]] : [];
  return [...rows.values(), ...last, ...never];
}

function defaultOf({ default: value }: FieldSchema): string[] {
  const isPlain = value !== undefined && typeof value !== 'object';
  return isPlain ? [`default \`${JSON.stringify(value)}\``] : [];
}

/** In words. That `null` is taken as nothing goes without saying. */
function typeOf(schema: FieldSchema, many = false): string {
  const s = many ? 's' : '';
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const words = choices.filter(({ type }) => type !== 'null').map((one) => typeOf(one, many));
    return [...new Set(words)].join(' or ');
  }
  if (schema.not) return 'nothing';
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (schema.$ref || schema.type === 'object') return `object${s}`;
  if (schema.format === 'binary') return `file${s}`;
  if (schema.type === 'array') {
    const items = schema.items ? ` of ${countOf(schema)}${typeOf(schema.items, true)}` : '';
    return `list${s}${items}`;
  }
  return `${schema.type ?? 'anything'}${s}${limitsOf(schema)}`;
}

function countOf({ minItems = 0, maxItems }: FieldSchema): string {
  if (maxItems === undefined) return '';
  return minItems > 0 ? `${minItems} to ${tell(maxItems)} ` : `up to ${tell(maxItems)} `;
}

function limitsOf({ minimum, maximum, maxLength }: FieldSchema): string {
  if (maxLength !== undefined) return ` of up to ${tell(maxLength)} characters`;
  if (maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER) return '';
  return `, ${tell(minimum ?? 0)} to ${tell(maximum)}`;
}

const tell = (value: number) => value.toLocaleString('en').replace('-', '−');

const nameOf = (reference: string) => reference.slice(reference.lastIndexOf('/') + 1);

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}
