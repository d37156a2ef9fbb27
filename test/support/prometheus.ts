/** Prometheus' text format 0.0.4, read strictly: a line that it has no rule for is an error. */

export interface Sample {
  /** With the suffix that histograms add. */
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  help: string;
  type: string;
  samples: Sample[];
}

const HELP = /^# HELP (?<name>[a-zA-Z_:][\w:]*) (?<help>.+)$/;
const TYPE = /^# TYPE (?<name>[a-zA-Z_:][\w:]*) (?<type>counter|gauge|histogram|summary|untyped)$/;
const LABEL = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"`;
const SAMPLE = new RegExp(
  String.raw`^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>${LABEL}(?:,${LABEL})*)?\})? (?<value>[-+\d.eE]+|NaN|[+-]Inf)$`,
);

/** Families by name. Throws at the first line that is none, or stands where it may not. */
export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const { name = '', help, type } = (HELP.exec(line) ?? TYPE.exec(line))?.groups ?? {};
    if (help !== undefined) {
      if (families.has(name)) throw new Error(`${name} comes twice`);
      families.set(name, { help, type: 'untyped', samples: [] });
      current = name;
    } else if (type !== undefined) {
      if (name !== current || families.get(name)!.samples.length > 0) {
        throw new Error(`the type of ${name} stands elsewhere`);
      }
      families.get(name)!.type = type;
    } else {
      families.get(current)!.samples.push(readSample(line, current, families.get(current)!.type));
    }
  }
  return families;
}

function readSample(line: string, family: string, type: string): Sample {
  const match = SAMPLE.exec(line)?.groups;
  if (!match) throw new Error(`no sample: ${line}`);
  const { name = '', labels = '', value = '' } = match;
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => name === family + suffix)) {
    throw new Error(`${name} stands under ${family}`);
  }
  const pairs = Array.from(labels.matchAll(new RegExp(LABEL, 'g')), ([pair]) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), JSON.parse(pair.slice(at + 1))];
  });
  const number = Number(value.replace('Inf', 'Infinity'));
  return { name, labels: Object.fromEntries(pairs), value: number };
}
