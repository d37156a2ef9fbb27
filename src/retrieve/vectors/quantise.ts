/** Vectors of unit length as bytes: a float32 scale, then an int8 a dimension. */

export const SCALE_BYTES = 4;
const MOST = 127;

export function pack(vector: Float32Array): Uint8Array {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = largest / MOST;
  const packed = new Uint8Array(SCALE_BYTES + vector.length);
  new DataView(packed.buffer).setFloat32(0, scale, true);
  const values = new Int8Array(packed.buffer, SCALE_BYTES);
  if (scale > 0) for (let i = 0; i < vector.length; i++) values[i] = Math.round(vector[i]! / scale);
  return packed;
}

export function unpack(packed: Uint8Array): Float32Array {
  const scale = new DataView(packed.buffer, packed.byteOffset).getFloat32(0, true);
  const bytes = new Int8Array(
    packed.buffer,
    packed.byteOffset + SCALE_BYTES,
    packed.length - SCALE_BYTES,
  );
  return Float32Array.from(bytes, (value) => value * scale);
}
