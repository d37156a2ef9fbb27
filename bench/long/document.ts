/** The workload: a document that is planned, written section by section and examined, by whoever is asked. */

const DOCUMENT =
  'a specification of a service that answers from its users’ documents by speculative decoding';
const PLAN_TOKENS = 400;
const EXAMINED_TOKENS = 128;
const SECTIONS = 6;

export const PHASES = ['plan', 'write', 'examine'] as const;
export type Phase = (typeof PHASES)[number];

export interface Answer {
  text: string;
  tokens: number;
  steps: number;
  seconds: number;
}

/** @param fields of a request beside the question */
export type Ask = (content: string, fields: object) => Promise<Answer>;

type Sum = Omit<Answer, 'text'>;

export interface Draft {
  /** Tokens of the sections together. */
  length: number;
  /** Sections, then what was found in each. */
  texts: string[];
  phases: Record<Phase, Sum>;
}

export interface DocumentPlan {
  /** Tokens of the document, at least. */
  tokens: number;
  /** Of a section, at most. */
  section: number;
}

export async function writeDocument(ask: Ask, { tokens, section }: DocumentPlan): Promise<Draft> {
  const none = (): Sum => ({ tokens: 0, steps: 0, seconds: 0 });
  const draft: Draft = {
    length: 0,
    texts: [],
    phases: { plan: none(), write: none(), examine: none() },
  };
  const asking = async (phase: Phase, content: string, fields: object): Promise<Answer> => {
    const answer = await ask(content, fields);
    const sum = draft.phases[phase];
    sum.tokens += answer.tokens;
    sum.steps += answer.steps;
    sum.seconds += answer.seconds;
    return answer;
  };

  const titles = titlesOf(
    (await asking('plan', `List the sections of ${DOCUMENT}.`, PLANNED)).text,
  );
  for (let i = 0; draft.length < tokens; i++) {
    const answer = await asking('write', taskOf(titles, i), { max_tokens: section });
    if (answer.tokens === 0) throw new Error(`section ${i + 1} came back empty`);
    draft.length += answer.tokens;
    draft.texts.push(answer.text);
  }
  for (const text of [...draft.texts]) {
    const task = `Examine this section of a specification. Quote each sentence that states a fact.\n\n${text}`;
    const fields = { max_tokens: EXAMINED_TOKENS, vector_store_ids: [] };
    draft.texts.push((await asking('examine', task, fields)).text);
  }
  return draft;
}

/** An answer that is held to a list of titles. */
const PLANNED = {
  max_tokens: PLAN_TOKENS,
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'plan',
      schema: {
        type: 'object',
        properties: {
          sections: {
            type: 'array',
            items: { type: 'string', minLength: 8, maxLength: 60 },
            minItems: SECTIONS,
            maxItems: SECTIONS,
          },
        },
        required: ['sections'],
        additionalProperties: false,
      },
    },
  },
};

function titlesOf(plan: string): string[] {
  return JSON.parse(plan).sections;
}

/** What section `i` is to say. Where the titles are used up they come again, as a further part. */
function taskOf(titles: readonly string[], i: number): string {
  const round = Math.floor(i / titles.length);
  const part = round === 0 ? '' : `, part ${1 + round}`;
  return `Write the section “${titles[i % titles.length]}”${part} of ${DOCUMENT}. Be thorough, and quote the passages.`;
}
