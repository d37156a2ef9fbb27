#!/bin/sh
# Fails the build of the image unless ONNX Runtime's CUDA provider and what it is linked to agree:
# the provider is of onnxruntime-node's version, and CUDA's libraries are there, of the major
# version that it asks for. The driver's own library comes with the container's start.
set -eu
cd "$(dirname "$0")/.."
package=node_modules/onnxruntime-node
provider=$package/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so
version=$(sed -n 's/^onnxruntime-gpu==\([0-9.]*\).*/\1/p' gpu-backend/cuda-requirements.txt)
if ! grep -q "\"version\": \"$version\"" $package/package.json; then
  echo "the provider is of ONNX Runtime $version, and onnxruntime-node of another version" >&2
  exit 1
fi
linked=$(ldd $provider)
missing=$(printf '%s\n' "$linked" | grep 'not found' | grep -v 'libcuda\.so\.1 ' || true)
if [ -n "$missing" ]; then
  printf 'the base image lacks what the CUDA provider is linked to:\n%s\n' "$missing" >&2
  exit 1
fi
