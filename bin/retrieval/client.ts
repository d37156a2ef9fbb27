/** Stores through the public API, as any client uses them. */
import type { Span } from './spans.ts';

/** A passage's place in the text of its file. */
export interface Found extends Span {
  file: string;
}

const POLL_MS = 100;
/** A poll that is not answered is made again: `wrangler dev` may lose an answer while its thread is busy. */
const POLL_TIMEOUT_MS = 10_000;

/** The instance can't be reached, or refuses; the message says which. */
export class InstanceFailure extends Error {}

export class KnowledgeClient {
  readonly url: string;
  private readonly headers: Record<string, string>;

  /** @param key an API key; absent where the instance asks for none */
  constructor(url: string, key?: string) {
    this.url = url;
    this.headers = key ? { authorization: `Bearer ${key}` } : {};
  }

  /** The new store's id. */
  async createStore(name: string): Promise<string> {
    return (await this.call<{ id: string }>('POST', '/v1/vector_stores', { name })).id;
  }

  async deleteStore(store: string): Promise<void> {
    await this.call('DELETE', `/v1/vector_stores/${store}`);
  }

  /** The new file's id. */
  async upload(name: string, content: string | Buffer): Promise<string> {
    const form = new FormData();
    form.set('purpose', 'assistants');
    form.set('file', new File([new Uint8Array(Buffer.from(content))], name));
    return (await this.call<{ id: string }>('POST', '/v1/files', form)).id;
  }

  /** Attaches and waits until all are worked off. How many failed: a file may have no text. */
  async ingest(store: string, fileIds: readonly string[], cutting: object = {}): Promise<number> {
    const path = `/v1/vector_stores/${store}/file_batches`;
    const { id } = await this.call<Batch>('POST', path, { file_ids: fileIds, ...cutting });
    for (;;) {
      const signal = AbortSignal.timeout(POLL_TIMEOUT_MS);
      const batch = await this.call<Batch>('GET', `${path}/${id}`, undefined, signal).catch(
        (error) => {
          if (signal.aborted) return undefined;
          throw error;
        },
      );
      if (batch?.file_counts.in_progress === 0) return batch.file_counts.failed;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** The `k` best passages' places in their file. */
  async search(store: string, query: string, k: number, method = 'hybrid'): Promise<Found[]> {
    const body = { query, max_num_results: k, ranking_options: { method } };
    const { data } = await this.call<Results>('POST', `/v1/vector_stores/${store}/search`, body);
    return data.map(({ file_id, content: [{ start, end }] }) => ({ file: file_id, start, end }));
  }

  /** A store's completed files. */
  async files(store: string): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    const path = `/v1/vector_stores/${store}/files`;
    for (let after = ''; ; ) {
      const page = await this.call<FilePage>('GET', `${path}?limit=100${after}`);
      for (const { id } of page.data.filter(({ status }) => status === 'completed')) {
        const { filename } = await this.call<{ filename: string }>('GET', `/v1/files/${id}`);
        const content = await this.call<{ data: { text: string }[] }>(
          'GET',
          `${path}/${id}/content`,
        );
        files.push({ id, name: filename, text: content.data.map(({ text }) => text).join('') });
      }
      if (!page.has_more) return files;
      after = `&after=${page.data.at(-1)!.id}`;
    }
  }

  /** The served model's answer, held to a JSON Schema. No store is searched for it. */
  async answer<Answer>(prompt: string, schema: object): Promise<Answer> {
    const body = {
      messages: [{ role: 'user', content: prompt }],
      vector_store_ids: [],
      temperature: 0,
      max_tokens: 400,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
    };
    const { choices } = await this.call<Completion>('POST', '/v1/chat/completions', body);
    return JSON.parse(choices[0].message.content);
  }

  private async call<Answer>(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: this.headers,
      ...(signal && { signal }),
      ...(body && { body: body instanceof FormData ? body : JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw new InstanceFailure(`no instance answers at ${this.url}`, { cause: error });
    });
    const text = await response.text();
    if (!response.ok) {
      throw new InstanceFailure(`${method} ${path} answered ${response.status}: ${text}`);
    }
    return JSON.parse(text);
  }
}

interface Batch {
  id: string;
  file_counts: { in_progress: number; failed: number };
}

interface Results {
  data: { file_id: string; content: [Span] }[];
}

/** A file of a store, with the text that passages are cut from. */
export interface StoredFile {
  id: string;
  name: string;
  text: string;
}

interface FilePage {
  data: { id: string; status: string }[];
  has_more: boolean;
}

interface Completion {
  choices: [{ message: { content: string } }];
}
