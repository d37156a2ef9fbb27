/**
 * Writes ONNX models. The schema names the fields of onnx.proto that a graph
 * with external weights needs, under the numbers that the format fixes.
 */
import protobuf from 'protobufjs';
import { ElementType, type ElementTypeName } from '../ort/tensor.ts';

const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });
const packed = (type: string, id: number) => ({ ...repeated(type, id), options: { packed: true } });

const ModelProto = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'GraphProto', id: 7 },
        opsetImport: repeated('OperatorSetIdProto', 8),
      },
    },
    OperatorSetIdProto: {
      fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } },
    },
    GraphProto: {
      fields: {
        node: repeated('NodeProto', 1),
        name: { type: 'string', id: 2 },
        initializer: repeated('TensorProto', 5),
        input: repeated('ValueInfoProto', 11),
        output: repeated('ValueInfoProto', 12),
      },
    },
    NodeProto: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: repeated('AttributeProto', 5),
        domain: { type: 'string', id: 7 },
      },
    },
    AttributeProto: {
      fields: {
        name: { type: 'string', id: 1 },
        f: { type: 'float', id: 2 },
        i: { type: 'int64', id: 3 },
        ints: packed('int64', 8),
        type: { type: 'int32', id: 20 },
      },
    },
    TensorProto: {
      fields: {
        dims: packed('int64', 1),
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
        externalData: repeated('StringStringEntryProto', 13),
        dataLocation: { type: 'int32', id: 14 },
      },
    },
    StringStringEntryProto: {
      fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } },
    },
    ValueInfoProto: {
      fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } },
    },
    TypeProto: {
      fields: { tensorType: { type: 'Tensor', id: 1 } },
      nested: {
        Tensor: {
          fields: {
            elemType: { type: 'int32', id: 1 },
            shape: { type: 'TensorShapeProto', id: 2 },
          },
        },
      },
    },
    TensorShapeProto: {
      fields: { dim: repeated('Dimension', 1) },
      nested: {
        Dimension: {
          oneofs: { value: { oneof: ['dimValue', 'dimParam'] } },
          fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } },
        },
      },
    },
  },
}).lookupType('ModelProto');

/** AttributeProto.AttributeType */
const FLOAT = 1;
const INT = 2;
const INTS = 7;
/** TensorProto.DataLocation */
const EXTERNAL = 1;

/** Opset 24 is the first with TensorScatter; IR version 11 goes with it. */
const OPSET = 24;
const IR_VERSION = 11;
/** The domain of ORT's own operators (FusedMatMul, MatMulNBits, …). */
export const MICROSOFT = 'com.microsoft';

/** A number is written as an INT attribute; wrap a FLOAT as `{ float }`. */
export type Attribute = number | readonly number[] | { float: number };

/** Where an initializer's bytes lie: a file beside the graph. */
export interface ExternalData {
  file: string;
  offset: number;
  bytes: number;
}

type Dimension = number | string;

/** Grows one graph. Every method returns the name of the value that it adds. */
export class GraphBuilder {
  private readonly nodes: object[] = [];
  private readonly initializers: object[] = [];
  private readonly inputs: object[] = [];
  private readonly outputs: object[] = [];
  private readonly constants = new Set<string>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  input(name: string, type: ElementTypeName, shape: readonly Dimension[]): string {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: ElementTypeName, shape: readonly Dimension[]): string {
    this.outputs.push(valueInfo(name, type, shape));
    return name;
  }

  constant(
    name: string,
    type: ElementTypeName,
    shape: readonly number[],
    data: ArrayBufferView,
  ): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, dataType: ElementType[type], dims: shape, rawData });
    return name;
  }

  /** An initializer that stays in its file. */
  external(
    name: string,
    type: ElementTypeName,
    shape: readonly number[],
    data: ExternalData,
  ): string {
    const entries = { location: data.file, offset: data.offset, length: data.bytes };
    this.initializers.push({
      name,
      dataType: ElementType[type],
      dims: shape,
      dataLocation: EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value: String(value) })),
    });
    return name;
  }

  /** One operator with one output; `output` names it, an absent optional input is ''. */
  node(
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): string {
    this.nodeWithOutputs(operator, inputs, [output], attributes, domain);
    return output;
  }

  /** A constant vector of integers; asked for again, the one that is there. */
  integers(values: readonly number[]): string {
    const name = `integers.${values.join('x')}`;
    const data = BigInt64Array.from(values, BigInt);
    if (!this.constants.has(name)) this.constant(name, 'int64', [values.length], data);
    this.constants.add(name);
    return name;
  }

  /** A constant scalar, float32. */
  float(value: number): string {
    const name = `float.${value}`;
    if (!this.constants.has(name)) this.constant(name, 'float32', [], Float32Array.of(value));
    this.constants.add(name);
    return name;
  }

  /** In `shape` 0 keeps the input's dimension and -1 takes what is left. */
  reshape(input: string, shape: readonly number[], suffix: string): string {
    return this.node('Reshape', [input, this.integers(shape)], `${input}.${suffix}`);
  }

  /** [1, T, sum of `sizes`] by columns. */
  split(input: string, outputs: readonly string[], sizes: readonly number[]): void {
    this.nodeWithOutputs('Split', [input, this.integers(sizes)], outputs, { axis: 2 });
  }

  nodeWithOutputs(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): void {
    this.nodes.push({
      opType: operator,
      name: outputs[0],
      input: inputs,
      output: outputs,
      domain,
      attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
    });
  }

  /** The serialised ModelProto. */
  encode(): Uint8Array {
    const model = ModelProto.fromObject({
      irVersion: IR_VERSION,
      producerName: 'espalier',
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: MICROSOFT, version: 1 },
      ],
      graph: {
        name: this.name,
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
      },
    });
    return ModelProto.encode(model).finish();
  }
}

function attributeProto(name: string, value: Attribute): object {
  if (typeof value === 'number') return { name, type: INT, i: value };
  if ('float' in value) return { name, type: FLOAT, f: value.float };
  return { name, type: INTS, ints: value };
}

function valueInfo(name: string, type: ElementTypeName, shape: readonly Dimension[]): object {
  const dim = shape.map((size) =>
    typeof size === 'number' ? { dimValue: size } : { dimParam: size },
  );
  return { name, type: { tensorType: { elemType: ElementType[type], shape: { dim } } } };
}
