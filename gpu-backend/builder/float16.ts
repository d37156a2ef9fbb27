/** Conversions between float32 and the 16-bit formats that checkpoints come in. */

const scratch = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a float32. */
export function bfloat16ToFloat32(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** IEEE 754 binary16, subnormals, infinities and NaN included. */
export function float16ToFloat32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to nearest, ties to even; what is too large becomes infinite. */
export function float32ToFloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 65536 or more
  if (magnitude < 0x38800000) {
    // Subnormal in binary16: units of 2^-24, rounded by the exact division of doubles.
    return sign | roundHalfToEven(Math.abs(value) * 2 ** 24);
  }
  const rebiased = magnitude - 0x38000000;
  const half = rebiased >>> 13;
  const rest = rebiased & 0x1fff;
  return sign | (half + (rest > 0x1000 || (rest === 0x1000 && half & 1) ? 1 : 0));
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Every 16-bit pattern's value: conversion of a whole tensor is then one look-up an element. */
function table(convert: (bits: number) => number): Float32Array {
  return Float32Array.from({ length: 0x10000 }, (_, bits) => convert(bits));
}

let float16Table: Float32Array | undefined;
let bfloat16Table: Float32Array | undefined;

/** The value of every binary16 pattern. */
export function float16Values(): Float32Array {
  float16Table ??= table(float16ToFloat32);
  return float16Table;
}

export function widen(type: 'F16' | 'BF16', source: Uint16Array): Float32Array {
  bfloat16Table ??= table(bfloat16ToFloat32);
  const values = type === 'F16' ? float16Values() : bfloat16Table;
  const out = new Float32Array(source.length);
  for (let i = 0; i < source.length; i++) out[i] = values[source[i]!]!;
  return out;
}

export function narrow(source: Float32Array): Uint16Array {
  const out = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) out[i] = float32ToFloat16(source[i]!);
  return out;
}
