/** The texts of a vector store, read from a running instance. */

interface Page {
  data: { id: string; status: string }[];
  has_more: boolean;
}

export interface Instance {
  /** Like http://localhost:8787. */
  url: string;
  /** An API key; absent where the instance asks for none. */
  key: string | undefined;
}

const PAGE = 100;

/** Texts of a store's completed files in the order of the list, until they have `most` characters together. Throws with what the instance says. */
export async function storeTexts(instance: Instance, store: string, most: number): Promise<string> {
  const path = `/v1/vector_stores/${encodeURIComponent(store)}/files`;
  let texts = '';
  let after = '';
  for (;;) {
    const page: Page = await get(instance, `${path}?limit=${PAGE}${after}`);
    for (const { id, status } of page.data) {
      if (status !== 'completed') continue;
      const content: { data: { text: string }[] } = await get(instance, `${path}/${id}/content`);
      texts += content.data.map(({ text }) => text).join('\n');
      if (texts.length >= most) return texts.slice(0, most);
    }
    if (!page.has_more) return texts;
    after = `&after=${page.data.at(-1)!.id}`;
  }
}

async function get<Body>({ url, key }: Instance, path: string): Promise<Body> {
  const response = await fetch(url + path, {
    ...(key && { headers: { authorization: `Bearer ${key}` } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
