/** What the fake runtime recorded, by the parts that its reader marked. */

/** Calls of one part. */
export interface PartCost {
  /** Kernels, and graphs that are replayed. */
  launches: number;
  /** Calls of cuBLAS, each at least one kernel of its own choice. */
  products: number;
  /** Copies of host memory to the device. */
  uploads: number;
  uploadedBytes: number;
  /** Copies back, and those among them to memory that the driver has to copy once more. */
  downloads: number;
  downloadedBytes: number;
  pageable: number;
  /** Copies within the device. */
  moves: number;
  /** Times that the host waited for the device. */
  waits: number;
  /** Graphs that were captured, and calls that a capture forbids. */
  captures: number;
  forbidden: number;
  /** By kernel, as the compiler mangled its name. */
  kernels: Map<string, number>;
}

const MARK = '# ';

/** The last part of each name. */
export function readTrace(text: string): Map<string, PartCost> {
  const parts = new Map<string, PartCost>();
  let part: PartCost | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith(MARK)) {
      part = noCost();
      parts.set(line.slice(MARK.length), part);
    } else if (part) {
      add(part, line.split(' '));
    }
  }
  return parts;
}

function noCost(): PartCost {
  return {
    launches: 0,
    products: 0,
    uploads: 0,
    uploadedBytes: 0,
    downloads: 0,
    downloadedBytes: 0,
    pageable: 0,
    moves: 0,
    waits: 0,
    captures: 0,
    forbidden: 0,
    kernels: new Map(),
  };
}

function add(part: PartCost, [call, what = '', bytes = '0']: string[]): void {
  if (call === 'wait') part.waits++;
  if (call === 'product') part.products++;
  if (call === 'capture') part.captures++;
  if (call === 'forbidden') part.forbidden++;
  if (call === 'launch') {
    part.launches++;
    part.kernels.set(what, (part.kernels.get(what) ?? 0) + 1);
  }
  if (call !== 'copy') return;
  if (what === 'device-host') part.pageable++;
  if (what === 'device-host' || what === 'device-pinned') {
    part.downloads++;
    part.downloadedBytes += Number(bytes);
  }
  if (what === 'device-device') part.moves++;
  if (what === 'host-device' || what === 'pinned-device') {
    part.uploads++;
    part.uploadedBytes += Number(bytes);
  }
}
