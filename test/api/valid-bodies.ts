/** A valid body of every route that takes one, by path; a route may stand there again, behind a question mark. */

/** What the bodies name. */
export interface Named {
  model: string;
  store: string;
  /** A file that the store has, and one that it has not. */
  attached: string;
  file: string;
}

export function validBodies({ model, store, attached, file }: Named): Record<string, object> {
  return {
    '/v1/chat/completions': {
      model,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'When are pears pruned?' }] },
      ],
      max_tokens: 2,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      stop: ['\n'],
      frequency_penalty: 0.5,
      presence_penalty: -0.5,
      logit_bias: { '5': -100, '6': 1.5 },
      logprobs: true,
      top_logprobs: 2,
      n: 1,
      prediction: { type: 'content', content: [{ type: 'text', text: 'Prune pears in winter.' }] },
      vector_store_ids: [store],
      speculation: { mode: 'on', budget: 8, stats: true, trace: true },
    },
    // Once more, as what comes before a called function's result.
    '/v1/chat/completions?': {
      model,
      messages: [
        { role: 'user', content: 'Prune the pear.' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'prune', arguments: '{"tree": "pear"}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'done' },
        { role: 'user', content: 'And the fig?' },
      ],
      tools: [
        {
          type: 'function',
          function: {
            name: 'prune',
            description: 'Prunes.',
            strict: true,
            parameters: {
              type: 'object',
              properties: {
                tree: { enum: ['pear', 'fig'] },
                hours: { type: 'integer', minimum: 1 },
              },
              required: ['tree'],
              additionalProperties: false,
            },
          },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
      max_tokens: 3,
    },
    '/v1/chat/completions?format': {
      messages: [{ role: 'user', content: 'Describe the pear.' }],
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'pear',
          strict: true,
          schema: {
            $defs: { size: { type: 'number', minimum: 0, maximum: 9 } },
            type: 'object',
            properties: {
              size: { $ref: '#/$defs/size' },
              kinds: {
                type: 'array',
                items: { anyOf: [{ type: 'string', maxLength: 3 }, { type: 'null' }] },
              },
            },
            required: ['size'],
          },
        },
      },
      max_tokens: 3,
      vector_store_ids: [],
    },
    '/v1/responses': {
      model,
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'When are pears pruned?' }] },
        { type: 'function_call', call_id: 'call_1', name: 'prune', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'done' },
        { type: 'message', role: 'user', content: 'And plums?' },
      ],
      instructions: 'Be brief.',
      max_output_tokens: 2,
      stream: true,
      include: ['file_search_call.results', 'message.output_text.logprobs'],
      top_logprobs: 2,
      text: { format: { type: 'json_object' } },
      tools: [{ type: 'file_search', vector_store_ids: [store], max_num_results: 2 }],
      tool_choice: 'auto',
      temperature: 0.5,
      speculation: { stats: true },
    },
    '/v1/completions': {
      model,
      prompt: ['Pears are', 'Plums are'],
      max_tokens: 2,
      echo: true,
      stream: true,
      n: 2,
      best_of: 2,
      seed: 7,
      stop: ['\n'],
      vector_store_ids: [store],
      speculation: { mode: 'on', budget: 8, stats: true },
    },
    '/v1/chat/completions?drawn': {
      messages: [{ role: 'user', content: 'When are pears pruned?' }],
      max_completion_tokens: 2,
      frequency_penalty: 0.5,
      presence_penalty: -0.5,
      logit_bias: { '5': -100, '6': 1 },
      logprobs: true,
      top_logprobs: 2,
      file_ids: [file],
    },
    '/v1/embeddings': {
      model: 'espalier-embed-1',
      input: ['pears', 'plums'],
      encoding_format: 'base64',
      dimensions: 256,
    },
    [`/v1/vector_stores/${store}/files/${attached}`]: { attributes: { fruit: 'pear', ripe: true } },
    '/v1/vector_stores': {
      name: 'orchard',
      metadata: { made_by: 'a test' },
      expires_after: { anchor: 'last_active_at', days: 1 },
      file_ids: [file],
    },
    [`/v1/vector_stores/${store}`]: { name: 'garden', metadata: { fruit: 'pear' } },
    [`/v1/vector_stores/${store}/files`]: {
      file_id: file,
      attributes: { fruit: 'plum', year: 2025 },
      chunking_strategy: {
        type: 'static',
        static: { max_chunk_size_tokens: 200, chunk_overlap_tokens: 20 },
      },
    },
    [`/v1/vector_stores/${store}/file_batches`]: {
      file_ids: [file],
      attributes: { fruit: 'plum' },
    },
    [`/v1/vector_stores/${store}/search`]: {
      query: ['when are pears pruned', 'winter'],
      max_num_results: 5,
      ranking_options: { score_threshold: 0.1, diversity: 0.5 },
      filters: {
        type: 'and',
        filters: [
          { type: 'eq', key: 'fruit', value: 'plum' },
          { type: 'in', key: 'year', value: [2024, 2025] },
        ],
      },
    },
    '/v1/files': {},
  };
}
