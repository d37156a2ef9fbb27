"""
Writes the trained table as an ONNX graph with int8 weights, and checks it.

    python graph.py --from OUT --id NAME --weights ../../../web/embedder --facts ../../embedder

Inputs `input_ids` int64[B, S] (each token once) and `token_weights` float[B, S]
(1 + ln of its count; 0 pads), outputs `sentence_embedding` float[B, 256], unit
length, and `token_states` float[B, S, 256], the tokens' own vectors. A row of the table is int8 with a float scale of its own.
"""
import argparse
import hashlib
import json
import math
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer


def make(table):
    scale = np.abs(table).max(1) / 127
    rows = np.rint(table / scale[:, None]).astype(np.int8)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows_int8"]),
        helper.make_node("Cast", ["rows_int8"], ["rows"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scale", "input_ids"], ["scales"]),
        helper.make_node("Mul", ["scales", "token_weights"], ["weights"]),
        helper.make_node("Unsqueeze", ["weights", "one"], ["weights_row"]),
        helper.make_node("MatMul", ["weights_row", "rows"], ["sums"]),
        helper.make_node("Squeeze", ["sums", "one"], ["sum"]),
        helper.make_node("Unsqueeze", ["scales", "last"], ["scales_column"]),
        helper.make_node("Mul", ["rows", "scales_column"], ["token_states"]),
        helper.make_node("LpNormalization", ["sum"], ["sentence_embedding"], axis=-1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "sentence_encoder",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["B", "S"]),
            helper.make_tensor_value_info("token_weights", TensorProto.FLOAT, ["B", "S"]),
        ],
        [
            helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["B", table.shape[1]]),
            helper.make_tensor_value_info("token_states", TensorProto.FLOAT, ["B", "S", table.shape[1]]),
        ],
        [
            numpy_helper.from_array(rows, "table"),
            numpy_helper.from_array(scale.astype(np.float32), "scale"),
            numpy_helper.from_array(np.array([1]), "one"),
            numpy_helper.from_array(np.array([2]), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--id", required=True, help="new with every training: vectors of another id are not compared")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--facts", required=True)
    args = parser.parse_args()
    source, to, facts = Path(args.source), Path(args.weights), Path(args.facts)
    for folder in (to, facts):
        folder.mkdir(parents=True, exist_ok=True)
    table = np.load(source / "table.npy")
    onnx.save(make(table), to / "model.onnx")
    shutil.copy(source / "tokenizer.json", to / "tokenizer.json")

    session = onnxruntime.InferenceSession(str(to / "model.onnx"))
    tokenizer = Tokenizer.from_file(str(to / "tokenizer.json"))
    golden = []
    for text in ("What is the echo?", "Deleting a vector store deletes its passages, its index entries and its vectors."):
        bag = Counter(tokenizer.encode(text, add_special_tokens=False).ids)
        ids, weights = list(bag), [1 + math.log(n) for n in bag.values()]
        exact = (np.array(weights)[:, None] * table[ids]).sum(0)
        exact /= np.linalg.norm(exact)
        feed = {"input_ids": np.array([ids]), "token_weights": np.array([weights], np.float32)}
        (got,) = session.run(["sentence_embedding"], feed)
        assert got[0] @ exact > 0.999, "int8 moves the vector too far"
        golden.append({"text": text, "ids": sorted(ids), "first": [round(float(x), 5) for x in got[0][:8]]})
    sha256 = lambda name: hashlib.sha256((to / name).read_bytes()).hexdigest()
    manifest = {
        "id": args.id,
        "dimensions": table.shape[1],
        "pooling": "sentence",
        "maxTokens": None,
        "queryPrefix": "",
        "passagePrefix": "",
        "files": {"model": sha256("model.onnx"), "tokenizer": sha256("tokenizer.json")},
    }
    for name, content in (("manifest", manifest), ("golden", golden)):
        (facts / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


main()
