/**
 * A rotation of the hidden state that spreads outliers: a few channels of a
 * language model are hundreds of times larger than the rest, and with one scale a
 * row they would leave the rest a handful of int8's levels. After it every channel
 * is a mean of many (QuaRot, 2404.00456). It is folded into the weights on both
 * sides, so what a model computes stays the same.
 *
 * R = C ⊗ H: the cosine transform of the odd part of the width, and Hadamard's
 * matrix of the rest. Both are orthogonal, and fast to apply.
 */
export class Rotation {
  readonly size: number;
  private readonly cosines: Float64Array;
  private readonly odd: number;
  private readonly even: number;

  constructor(size: number) {
    this.size = size;
    this.even = size & -size;
    this.odd = size / this.even;
    this.cosines = cosineMatrix(this.odd);
  }

  /** W·R in place: every run of `size` values is a row. */
  turnRows(rows: Float32Array): void {
    this.turn(rows, 1);
  }

  /** Rᵀ·W in place, of a matrix of `size` rows. */
  turnColumns(matrix: Float32Array): void {
    this.turn(matrix, matrix.length / this.size);
  }

  /**
   * R as A ⊗ B, each near the root of `size`, row-major: x·R is x as a matrix
   * [a, b], times B on the right and A's transpose on the left.
   */
  factors(): { left: Float32Array; right: Float32Array; a: number; b: number } {
    let b = 1;
    while (b * b * 4 <= this.size && b < this.even) b *= 2;
    const rest = this.even / b;
    const left = kronecker(this.cosines, this.odd, hadamard(rest), rest);
    return {
      left: Float32Array.from(left),
      right: Float32Array.from(hadamard(b)),
      a: this.odd * rest,
      b,
    };
  }

  /** Turns the middle axis of [outer, size, inner]. */
  private turn(data: Float32Array, inner: number): void {
    const { size, even, odd } = this;
    const scale = 1 / Math.sqrt(even);
    const block = even * inner;
    for (let start = 0; start < data.length; start += size * inner) {
      for (let part = 0; part < odd; part++) {
        butterflies(data, start + part * block, block, inner);
      }
      if (odd > 1) this.mix(data, start, block, scale);
      else for (let i = start; i < start + block; i++) data[i]! *= scale;
    }
  }

  /** Multiplies the `odd` parts of `block` values each by the cosine matrix. */
  private mix(data: Float32Array, start: number, block: number, scale: number): void {
    const { odd, cosines } = this;
    const values = new Float64Array(odd);
    for (let i = start; i < start + block; i++) {
      for (let part = 0; part < odd; part++) values[part] = data[i + part * block]! * scale;
      for (let to = 0; to < odd; to++) {
        let sum = 0;
        for (let from = 0; from < odd; from++) sum += values[from]! * cosines[from * odd + to]!;
        data[i + to * block] = sum;
      }
    }
  }
}

/** The fast Walsh–Hadamard transform of `length` values in runs of `inner`, unscaled. */
function butterflies(data: Float32Array, start: number, length: number, inner: number): void {
  for (let half = inner; half < length; half *= 2) {
    for (let at = start; at < start + length; at += 2 * half) {
      for (let i = at; i < at + half; i++) {
        const one = data[i]!;
        const other = data[i + half]!;
        data[i] = one + other;
        data[i + half] = one - other;
      }
    }
  }
}

/** The orthonormal DCT-II as [from, to]. */
function cosineMatrix(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let from = 0; from < n; from++) {
    const scale = Math.sqrt((from === 0 ? 1 : 2) / n);
    for (let to = 0; to < n; to++) {
      matrix[from * n + to] = scale * Math.cos((Math.PI * (2 * to + 1) * from) / (2 * n));
    }
  }
  return matrix;
}

/** Hadamard's matrix of a power of two, orthonormal. */
function hadamard(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    matrix[row * n + row] = 1 / Math.sqrt(n);
  }
  const rows = Float32Array.from(matrix, (value) => value * Math.sqrt(n));
  for (let row = 0; row < n; row++) butterflies(rows, row * n, n, 1);
  return Float64Array.from(rows, (value) => value / Math.sqrt(n));
}

function kronecker(left: Float64Array, a: number, right: Float64Array, b: number): Float64Array {
  const size = a * b;
  const product = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const l = left[Math.floor(row / b) * a + Math.floor(column / b)]!;
      product[row * size + column] = l * right[(row % b) * b + (column % b)]!;
    }
  }
  return product;
}
