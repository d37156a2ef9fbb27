/** Stores through the public API, as any client uses them. */
export interface Found {
  start: number;
  end: number;
}

const POLL_MS = 100;
/** A poll that is not answered is made again: `wrangler dev` may lose an answer while its thread is busy. */
const POLL_TIMEOUT_MS = 10_000;

export class KnowledgeClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
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
    return data.map(({ content }) => content[0]);
  }

  private async call<Answer>(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      ...(signal && { signal }),
      ...(body && { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}

interface Batch {
  id: string;
  file_counts: { in_progress: number; failed: number };
}

interface Results {
  data: { content: [Found] }[];
}
