/** A file of tensors, each on a page boundary. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ExternalData } from './onnx.ts';

/** ORT maps external data: tensors start on a page. */
const ALIGNMENT = 4096;

export class WeightFile {
  private readonly name: string;
  private readonly descriptor: number;
  private end = 0;

  constructor(folder: string, name: string) {
    this.name = name;
    this.descriptor = openSync(join(folder, name), 'w');
  }

  /** Appends one tensor, given in pieces; returns where it lies. */
  append(pieces: Iterable<Uint8Array>): ExternalData {
    const offset = Math.ceil(this.end / ALIGNMENT) * ALIGNMENT;
    this.end = offset;
    for (const piece of pieces) {
      writeFully(this.descriptor, piece, this.end);
      this.end += piece.byteLength;
    }
    return { file: this.name, offset, bytes: this.end - offset };
  }

  /** A place for a tensor that `write` fills. */
  reserve(bytes: number): ExternalData {
    const offset = Math.ceil(this.end / ALIGNMENT) * ALIGNMENT;
    this.end = offset + bytes;
    return { file: this.name, offset, bytes };
  }

  /** `at` counts from the start of the file. */
  write(at: number, bytes: ArrayBufferView): void {
    writeFully(
      this.descriptor,
      new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      at,
    );
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(descriptor, bytes, done, bytes.byteLength - done, position + done);
  }
}
