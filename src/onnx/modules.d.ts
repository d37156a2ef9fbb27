/** What the bundler makes of files that are not code. */
declare module '*.wasm' {
  const compiled: WebAssembly.Module;
  export default compiled;
}
declare module '*.onnx' {
  const bytes: ArrayBuffer;
  export default bytes;
}
